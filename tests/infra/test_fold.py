"""The states that summarize a long run, in both state machines."""

import json
from typing import Any

import pytest

from tests.infra.rendered import Template

Definition = dict[str, Any]


@pytest.fixture(params=["Workflow", "Index"])
def machine(request: pytest.FixtureRequest, template: Template) -> Definition:
    text = template.text(template.only("AWS::StepFunctions::StateMachine", request.param)["DefinitionString"])
    definition: Definition = json.loads(text.replace("<AWS::Partition>", "aws"))
    return definition


def test_groups_are_folded_before_they_are_joined(machine: Definition) -> None:
    states = machine["States"]
    rows = states["FoldRows"]

    assert (rows["ItemsPath"], rows["ResultPath"], rows["Next"]) == ("$.groups", "$.folded", "JoinFolds")
    assert rows["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert states["JoinFolds"]["Parameters"]["Payload"] == {"step": "join", "plan.$": "$"}


def test_a_group_that_cannot_be_folded_does_not_stop_the_others(machine: Definition) -> None:
    states = machine["States"]["FoldRows"]["ItemProcessor"]["States"]

    assert states["FoldGroup"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "GroupNotFolded"}]
    assert states["GroupNotFolded"] == {"Type": "Pass", "Parameters": {}, "End": True}
    assert [retry["ErrorEquals"] for retry in states["FoldGroup"]["Retry"]][-1] == ["States.ALL"]


def test_a_run_is_folded_by_its_own_execution_and_ends_as_any_other(template: Template) -> None:
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Workflow")["DefinitionString"])
    states = json.loads(text)["States"]

    choices = {each["StringEquals"]: each["Next"] for each in states["Outcome"]["Choices"]}
    assert choices == {"succeeded": "RunSucceeded", "folding": "FoldRows"}
    assert states["JoinFolds"]["Next"] == "Outcome"
    assert states["JoinFolds"]["Parameters"]["FunctionName"] == states["SummarizeRun"]["Parameters"]["FunctionName"]


def test_a_run_without_an_execution_is_folded_by_the_second_state_machine(template: Template) -> None:
    """It does not name SummarizeRun, which has its ARN: the input does."""
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Index")["DefinitionString"])
    states = json.loads(text)["States"]

    assert states["Work"]["Choices"] == [{"Variable": "$.event", "IsPresent": True, "Next": "FoldRows"}]
    assert states["JoinFolds"]["Parameters"]["FunctionName.$"] == "$.function"
    group = states["FoldRows"]["ItemProcessor"]["States"]["FoldGroup"]
    assert group["Parameters"]["FunctionName.$"] == "$.plan.function"
    assert "SummarizeRun" not in text
