"""Policy documents: what is supported, and what is refused by name."""

from typing import Any

import pytest

from local.aws.permissions.conditions import KEYS, OPERATORS, listing_context
from local.aws.permissions.documents import Source, UnsupportedPolicyError, statements
from tests.unit.local.aws.permissions.policies import ROLE, of_resource, of_role, statement

ALLOW = statement("s3:GetObject", "*")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"NotAction": "s3:*"}, "policy field NotAction"),
        ({"NotResource": "*"}, "policy field NotResource"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "condition operator IpAddress"),
        ({"Condition": {"StringEqualsIfExists": {"aws:SourceArn": "a"}}}, "condition operator StringEqualsIfExists"),
        ({"Condition": {"StringEquals": {"s3:delimiter": "a"}}}, "condition key s3:delimiter"),
        ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "policy variable in arn:aws:s3:::b/${aws:username}/*"),
        ({"Principal": "*"}, "field Principal belongs to resource-based policies"),
    ],
)
def test_a_statement_that_cannot_be_evaluated_is_refused_by_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedPolicyError) as caught:
        of_role({**ALLOW, **fields})

    assert str(caught.value).startswith("Identity: the ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("principal", "message"),
    [
        ({"Federated": "cognito-identity.amazonaws.com"}, "principal Federated"),
        ({"CanonicalUser": "79a5"}, "principal CanonicalUser"),
    ],
)
def test_a_principal_that_cannot_be_evaluated_is_refused_by_name(principal: dict[str, str], message: str) -> None:
    with pytest.raises(UnsupportedPolicyError, match=message):
        of_resource({**ALLOW, "Principal": principal})


def test_a_resource_based_policy_without_a_principal_is_refused() -> None:
    with pytest.raises(UnsupportedPolicyError, match="Principal"):
        of_resource(ALLOW)


@pytest.mark.parametrize("document", [{"Version": "2008-10-17", "Statement": ALLOW}, {"Statements": [ALLOW]}])
def test_a_document_that_cannot_be_evaluated_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicyError, match=r"2008-10-17|Statements"):
        list(statements(Source("P", document, "Worker", ROLE)))


def test_each_action_on_each_resource_is_a_grant_with_its_place() -> None:
    found = of_role(statement("s3:ListBucket", "b"), statement(["s3:GetObject", "s3:PutObject"], ["x", "y"]))

    assert [(each.grant.action, each.grant.resource, each.grant.statement, each.grant.position) for each in found] == [
        ("s3:ListBucket", "b", 0, 0),
        ("s3:GetObject", "x", 1, 0),
        ("s3:GetObject", "y", 1, 1),
        ("s3:PutObject", "x", 1, 0),
        ("s3:PutObject", "y", 1, 1),
    ]


def test_a_star_in_a_key_policy_is_the_key() -> None:
    [found] = of_resource(statement("kms:*", "*", principal={"AWS": "x"}), resource="arn:key")

    assert found.grant.resource == "arn:key"
    assert not found.covers_resource("arn:other")


def test_the_documentation_lists_every_operator_and_key() -> None:
    from tests.unit.source_tree import ROOT

    text = (ROOT / "docs" / "local.md").read_text()

    assert [name for name in (*OPERATORS, *KEYS) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("prefix", "applies"),
    [("runs/r1/passes/1/part-", True), ("runs/r1/results/part-", False), ("runs/", False), ("", False), (None, False)],
)
def test_a_list_of_keys_may_be_limited_to_a_prefix(prefix: str | None, applies: bool) -> None:
    condition = {"StringLike": {"s3:prefix": "runs/*/passes/*"}}
    [found] = of_role(statement("s3:ListBucket", "arn:aws:s3:::b", condition=condition))

    assert found.applies("arn:aws:s3:::b", listing_context(prefix)) is applies
