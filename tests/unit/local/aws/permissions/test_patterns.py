"""Wildcards of actions, resources and ARNs."""

import pytest

from local.aws.permissions.patterns import action_pattern, arn_pattern, pattern

RULE = "arn:aws:events:us-east-1:123456789012:rule/uploaded"


@pytest.mark.parametrize(
    ("text", "value", "matches"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a*", "a/b/c", True),
        ("a*", "b", False),
        ("*", "", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("runs/*/retry.*", "runs/1/2/retry.csv", True),
        ("runs/*/retry.*", "runs/1/summary.json", False),
        ("a.c*", "abc", False),
        ("a*c", "a\nc", True),
        ("A", "a", False),
    ],
)
def test_a_star_is_any_text_and_a_question_mark_one_character(text: str, value: str, matches: bool) -> None:
    assert pattern(text)(value) is matches


def test_actions_are_matched_in_any_case() -> None:
    assert action_pattern("S3:Get*")("s3:getobject")


@pytest.mark.parametrize(
    ("text", "value", "matches"),
    [
        (RULE, RULE, True),
        ("arn:aws:events:us-east-1:123456789012:rule/*", RULE, True),
        ("arn:aws:*:*:*:*", RULE, True),
        ("arn:aws:*", RULE, False),
        ("arn:aws:s3:::*", RULE, False),
        (RULE, "uploaded", False),
        ("arn:aws:states:*:*:stateMachine:*", "arn:aws:states:us-east-1:1:stateMachine:m", True),
    ],
)
def test_the_parts_of_an_arn_are_matched_one_by_one(text: str, value: str, matches: bool) -> None:
    assert arn_pattern(text)(value) is matches
