"""Decisions: an explicit Deny, then an Allow, else AccessDenied in AWS's words."""

import pytest

from local.aws.permissions.conditions import REQUEST, Context, service_context
from local.aws.permissions.documents import Statement
from local.aws.permissions.evaluator import AccessDeniedError
from local.aws.permissions.identities import ADMINISTRATOR, EVENTS, ROOT, Principal
from tests.unit.local.aws.permissions.policies import (
    OTHER,
    ROLE,
    RULE,
    WORKER,
    of_resource,
    of_role,
    permissions,
    statement,
)

GET, OBJECT = "s3:GetObject", "arn:aws:s3:::b/images/a.jpg"
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:dead"
INSECURE = {"Bool": {"aws:SecureTransport": "false"}}
SECURE = {"Bool": {"aws:SecureTransport": "true"}}
FROM_RULE = {"ArnEquals": {"aws:SourceArn": RULE}}
FROM_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
EVENTS_ONLY = {"Service": "events.amazonaws.com"}

MAY_READ = of_role(statement(GET, "arn:aws:s3:::b/images/*"))
USES_KEY = of_role(statement("kms:Decrypt", KEY))
DELEGATED = of_resource(statement("kms:*", "*", principal={"AWS": ROOT}), resource=KEY)
TAKES_EVENTS = of_resource(statement("sqs:SendMessage", QUEUE, principal=EVENTS_ONLY, condition=FROM_RULE))
EVERYONE_DENIED = of_resource(statement("s3:*", "arn:aws:s3:::b*", "Deny", principal={"AWS": "*"}))


def _denied(condition: dict[str, dict[str, str]]) -> list[Statement]:
    return of_resource(statement("s3:*", "arn:aws:s3:::b/*", "Deny", principal="*", condition=condition))


@pytest.mark.parametrize(
    ("policies", "principal", "call", "context", "permitted"),
    [
        pytest.param([MAY_READ], WORKER, (GET, OBJECT), REQUEST, True, id="allowed by the role"),
        pytest.param([], WORKER, (GET, OBJECT), REQUEST, False, id="no policy"),
        pytest.param([MAY_READ], OTHER, (GET, OBJECT), REQUEST, False, id="another role"),
        pytest.param([MAY_READ], WORKER, ("s3:PutObject", OBJECT), REQUEST, False, id="another action"),
        pytest.param([MAY_READ], WORKER, (GET, "arn:aws:s3:::b/x"), REQUEST, False, id="another resource"),
        pytest.param([of_role(statement("s3:*", "*"))], WORKER, (GET, OBJECT), REQUEST, True, id="wildcards"),
        pytest.param([MAY_READ, EVERYONE_DENIED], WORKER, (GET, OBJECT), REQUEST, False, id="a Deny wins"),
        pytest.param([MAY_READ, _denied(INSECURE)], WORKER, (GET, OBJECT), REQUEST, True, id="loopback is TLS"),
        pytest.param([MAY_READ, _denied(SECURE)], WORKER, (GET, OBJECT), REQUEST, False, id="a condition holds"),
        pytest.param(
            [MAY_READ, of_role(statement(GET, OBJECT, "Deny"))], WORKER, (GET, OBJECT), REQUEST, False, id="own Deny"
        ),
        pytest.param(
            [of_resource(statement(GET, OBJECT, principal={"AWS": ROLE}))],
            WORKER, (GET, OBJECT), REQUEST, True, id="allowed by the bucket, by role",
        ),
        pytest.param(
            [of_resource(statement(GET, OBJECT, principal={"AWS": WORKER.name}))],
            WORKER, (GET, OBJECT), REQUEST, True, id="allowed by the bucket, by session",
        ),
        pytest.param(
            [of_resource(statement(GET, OBJECT, principal={"AWS": ROOT}))],
            WORKER, (GET, OBJECT), REQUEST, False, id="the account alone allows no role",
        ),
        pytest.param([], ADMINISTRATOR, (GET, OBJECT), REQUEST, True, id="administrator"),
        pytest.param([EVERYONE_DENIED], ADMINISTRATOR, (GET, OBJECT), REQUEST, False, id="administrator denied"),
        pytest.param([USES_KEY, DELEGATED], WORKER, ("kms:Decrypt", KEY), REQUEST, True, id="key of the account"),
        pytest.param([USES_KEY], WORKER, ("kms:Decrypt", KEY), REQUEST, False, id="key policy does not allow"),
        pytest.param([DELEGATED], WORKER, ("kms:Decrypt", KEY), REQUEST, False, id="role may not use the key"),
        pytest.param([], EVENTS, ("sqs:SendMessage", QUEUE), REQUEST, False, id="service without a policy"),
        pytest.param(
            [TAKES_EVENTS],
            EVENTS, ("sqs:SendMessage", QUEUE), service_context(RULE, "1"), True, id="service for the rule",
        ),
        pytest.param(
            [TAKES_EVENTS],
            EVENTS, ("sqs:SendMessage", QUEUE), service_context(f"{RULE}2", "1"), False, id="service for another rule",
        ),
        pytest.param([TAKES_EVENTS], EVENTS, ("sqs:SendMessage", QUEUE), REQUEST, False, id="no value of the key"),
        pytest.param(
            [of_resource(statement("sqs:SendMessage", QUEUE, principal=EVENTS_ONLY, condition=FROM_ACCOUNT))],
            EVENTS, ("sqs:SendMessage", QUEUE), service_context(RULE, "999999999999"), False, id="another account",
        ),
    ],
)  # fmt: skip
def test_a_call_is_decided_as_in_iam(
    policies: list[list[Statement]], principal: Principal, call: tuple[str, str], context: Context, permitted: bool
) -> None:
    assert permissions(*policies).permits(principal, *call, context) is permitted


@pytest.mark.parametrize(
    ("policies", "call", "message"),
    [
        (
            [],
            ("dynamodb:PutItem", "arn:t"),
            "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized to perform: dynamodb:PutItem on"
            " resource: arn:t because no identity-based policy allows the dynamodb:PutItem action",
        ),
        (
            [EVERYONE_DENIED],
            (GET, "arn:aws:s3:::b/k"),
            "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized to perform: s3:GetObject on"
            ' resource: "arn:aws:s3:::b/k" with an explicit deny in a resource-based policy',
        ),
        (
            [of_role(statement("*", "*", "Deny"))],
            ("sns:Publish", "arn:t"),
            "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized to perform: SNS:Publish on"
            " resource: arn:t with an explicit deny in an identity-based policy",
        ),
        (
            [],
            ("sqs:SendMessage", "arn:q"),
            "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized to perform: sqs:sendmessage on"
            " resource: arn:q because no identity-based policy allows the sqs:sendmessage action",
        ),
        (
            [],
            ("sts:AssumeRole", "arn:r"),
            "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized to perform: sts:AssumeRole on"
            " resource: arn:r",
        ),
    ],
)
def test_a_refusal_has_the_words_of_aws(policies: list[list[Statement]], call: tuple[str, str], message: str) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        permissions(*policies).check(WORKER, *call)

    assert str(caught.value) == message
