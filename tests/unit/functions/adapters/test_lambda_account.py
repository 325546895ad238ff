"""The settings of the account in Lambda."""

import pytest
from botocore.stub import Stubber

from functions.adapters.lambda_account import LambdaAccountSettings
from functions.core.model.errors import AccountFault
from functions.core.model.ports import AccountConcurrency

lambda_stub = pytest.mark.parametrize("stubbed", ["lambda"], indirect=True)


@lambda_stub
def test_the_concurrency_of_the_account_is_read(stubbed: Stubber) -> None:
    limits = {"ConcurrentExecutions": 50, "UnreservedConcurrentExecutions": 40}
    stubbed.add_response("get_account_settings", {"AccountLimit": limits}, {})

    assert LambdaAccountSettings(stubbed.client).concurrency() == AccountConcurrency(limit=50, unreserved=40)


@lambda_stub
@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "ServiceException"])
def test_an_account_that_cannot_be_read_is_a_fault_that_names_the_call(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("get_account_settings", code, "no")

    with pytest.raises(AccountFault, match=f"^Lambda GetAccountSettings failed \\({code}\\): no$"):
        LambdaAccountSettings(stubbed.client).concurrency()
