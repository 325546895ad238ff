"""The states that check a large manifest by ranges."""

import json
from typing import Any

import pytest

from tests.infra.rendered import Template

States = dict[str, Any]


@pytest.fixture
def states(template: Template) -> States:
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Workflow")["DefinitionString"])
    states: States = json.loads(text)["States"]
    return states


def test_only_a_manifest_that_has_ranges_takes_more_states(states: States) -> None:
    choices = {each["StringEquals"]: each["Next"] for each in states["Route"]["Choices"]}

    assert (states["PrepareRun"]["Next"], choices["checking"]) == ("Route", "CheckRanges")
    assert (states["CheckRanges"]["Next"], states["JoinRanges"]["Next"]) == ("JoinRanges", "Route")


def test_each_range_is_checked_by_the_version_of_prepare_run_that_joins_them(states: States) -> None:
    ranges = states["CheckRanges"]
    check = ranges["ItemProcessor"]["States"]["CheckRange"]
    execution = states["PrepareRun"]["Parameters"]["Payload"]

    assert (ranges["ItemsPath"], ranges["ItemSelector"]) == ("$.ranges", {"range.$": "$$.Map.Item.Value"})
    assert ranges["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert check["Parameters"]["Payload"] == {"step": "check", "range.$": "$.range", **execution}
    assert states["JoinRanges"]["Parameters"]["Payload"] == {"step": "join", **execution}
    for state in (check, states["JoinRanges"]):
        assert state["Parameters"]["FunctionName"] == states["PrepareRun"]["Parameters"]["FunctionName"]


def test_a_rejected_manifest_is_not_checked_again_and_every_failure_is_summarized(states: States) -> None:
    check = states["CheckRanges"]["ItemProcessor"]["States"]["CheckRange"]

    for state in (check, states["JoinRanges"]):
        assert state["Retry"][0] == {"ErrorEquals": ["InvalidManifest"], "MaxAttempts": 0}
        assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
    for name in ("CheckRanges", "JoinRanges"):
        assert states[name]["Catch"] == states["PrepareRun"]["Catch"]
