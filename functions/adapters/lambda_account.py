"""The settings of the account in Lambda."""

from functions.adapters.clients import LambdaClient
from functions.adapters.errors import AWS_ERRORS, failure_message
from functions.core.model.errors import AccountFault
from functions.core.model.ports import AccountConcurrency


class LambdaAccountSettings:
    def __init__(self, lambda_: LambdaClient) -> None:
        self._lambda = lambda_

    def concurrency(self) -> AccountConcurrency:
        """Raises AccountFault."""
        try:
            limits = self._lambda.get_account_settings()["AccountLimit"]
        except AWS_ERRORS as error:
            raise AccountFault(failure_message("Lambda GetAccountSettings", error)) from error
        return AccountConcurrency(limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"])
