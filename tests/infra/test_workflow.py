"""The state machine as rendered in the template, because CDK silently drops fields that it does not know."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from cdk.settings import Settings
from functions.core.download.rounds import CHILD_MARGIN_SECONDS
from functions.core.model.limits import FIRST_ROUND_WAIT_SECONDS, LATER_ROUND_WAIT_SECONDS
from tests.infra.rendered import Template

UNNAMED = ["url", *(f"column_{number}" for number in range(2, 11))]


def csv(delimiter: str, *headers: str) -> dict[str, Any]:
    named = {"CSVHeaderLocation": "GIVEN", "CSVHeaders": list(headers)}
    return {"InputType": "CSV", "CSVDelimiter": delimiter, **(named if headers else {"CSVHeaderLocation": "FIRST_ROW"})}


READERS = {
    "csv": csv("COMMA"),
    "csv-semicolon": csv("SEMICOLON"),
    "csv-pipe": csv("PIPE"),
    "tsv": csv("TAB"),
    "csv-bare": csv("COMMA", *UNNAMED),
    "csv-semicolon-bare": csv("SEMICOLON", *UNNAMED),
    "csv-pipe-bare": csv("PIPE", *UNNAMED),
    "tsv-bare": csv("TAB", *UNNAMED),
    "tsv-list": csv("TAB", "url", "size", "md5"),
    "txt": csv("TAB", "url"),
    "json": {"InputType": "JSON"},
    "jsonl": {"InputType": "JSONL"},
    "parquet": {"InputType": "PARQUET"},
}
MAP_PASS = "Map PASS"
STATES = {name: f"Map {name.upper().replace('-', ' ')}" for name in READERS}
READER_CONFIGS = {STATES[name]: config for name, config in READERS.items()}
EXECUTION = {
    "input.$": "$$.Execution.Input",
    "execution_arn.$": "$$.Execution.Id",
    "started_at.$": "$$.Execution.StartTime",
}
EXPRESS_SECONDS = 300
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SummarizeRun"}]

Definition = dict[str, Any]


@pytest.fixture(params=READER_CONFIGS)
def map_state(request: pytest.FixtureRequest, definition: Definition) -> Definition:
    """One Map state; each test runs for all of them."""
    return definition["States"][request.param]


@pytest.fixture
def child(map_state: Definition) -> Definition:
    return map_state["ItemProcessor"]


def state(child: Definition, name: str) -> Definition:
    """Return a state of the child workflow; the name of its reader follows `name`."""
    [match] = [each for key, each in child["States"].items() if key.startswith(name)]
    return match


def machines(definition: Definition) -> Iterator[Definition]:
    """Yield the state machine and the child workflows of its Map states."""
    yield definition
    for each in definition["States"].values():
        if each["Type"] == "Map":
            yield each["ItemProcessor"]


def function(template: Template, task: Definition) -> str:
    """Return the handler that a task invokes, in a published version."""
    version = task["Parameters"]["FunctionName"].strip("<>")
    logical_id = template.all("AWS::Lambda::Version")[version]["Properties"]["FunctionName"]["Ref"]
    return template.all("AWS::Lambda::Function")[logical_id]["Properties"]["Handler"]


def longest_wait(retrier: Definition) -> int:
    """Compute the sum of the waits of all retries in seconds."""
    waits = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n for n in range(retrier["MaxAttempts"]))
    return int(sum(min(wait, retrier.get("MaxDelaySeconds", wait)) for wait in waits))


def test_prepare_run_receives_the_execution_and_its_result_is_the_output(
    template: Template, definition: Definition
) -> None:
    prepare = definition["States"][definition["StartAt"]]

    assert function(template, prepare) == "functions.prepare_run.handler"
    assert prepare["Parameters"]["Payload"] == EXECUTION
    assert (prepare["OutputPath"], prepare["Next"]) == ("$.Payload", "Route")


def test_an_invalid_manifest_is_not_retried(definition: Definition) -> None:
    first, *_, last = definition["States"]["PrepareRun"]["Retry"]

    assert first == {"ErrorEquals": ["InvalidManifest"], "MaxAttempts": 0}
    assert last["ErrorEquals"] == ["States.ALL"]


def test_every_failure_before_the_summary_leads_to_the_summary(definition: Definition) -> None:
    states = definition["States"]

    assert {name for name, each in states.items() if each.get("Catch") == CATCH_ALL} == {
        "PrepareRun",
        "CheckRanges",
        "JoinRanges",
        *READER_CONFIGS,
        "PlanPass",
        MAP_PASS,
    }


def test_a_run_is_routed_by_its_status_then_by_its_reader(definition: Definition) -> None:
    route = definition["States"]["Route"]
    rules = [(each["Variable"], each["StringEquals"], each["Next"]) for each in route["Choices"]]

    assert rules == [
        ("$.status", "repeated", "AlreadyMirrored"),
        ("$.status", "empty", "SummarizeRun"),
        ("$.status", "checking", "CheckRanges"),
        *(("$.reader", name, state) for name, state in STATES.items()),
    ]
    assert definition["States"][route["Default"]]["Error"] == "UnknownReader"


@pytest.mark.parametrize("name", READER_CONFIGS)
def test_a_map_reads_its_format_from_the_object_of_the_run(definition: Definition, name: str) -> None:
    """By its version, which Step Functions does not support for Parquet."""
    version = {} if name == "Map PARQUET" else {"VersionId.$": "$.manifest.version_id"}
    assert definition["States"][name]["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": READER_CONFIGS[name],
        "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key", **version},
    }


def test_a_map_runs_express_children(map_state: Definition) -> None:
    assert map_state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


@pytest.mark.parametrize("name", READERS)
def test_a_map_keeps_the_row_number_of_each_item(definition: Definition, name: str) -> None:
    """The first line of a URL list is an item, but not a row."""
    index = "$$.Map.Item.Index"
    row = f"States.MathAdd({index}, -1)" if name == "tsv-list" else index

    assert definition["States"][STATES[name]]["ItemSelector"] == {"row.$": row, "item.$": "$$.Map.Item.Value"}


def test_batches_are_limited_by_items_and_bytes_and_contain_their_run(map_state: Definition) -> None:
    assert map_state["ItemBatcher"] == {
        "MaxItemsPerBatchPath": "$.batch_size",
        "MaxInputBytesPerBatch": 196608,
        "BatchInput": {"run.$": "$.run"},
    }


def test_the_run_sets_how_many_batches_run_concurrently(map_state: Definition) -> None:
    assert map_state["MaxConcurrencyPath"] == "$.max_concurrency"
    assert "MaxConcurrency" not in map_state


def test_a_failed_batch_does_not_stop_the_others(map_state: Definition) -> None:
    assert map_state["ToleratedFailurePercentage"] == 100


def test_the_results_of_the_batches_are_written_to_the_folder_of_the_run(map_state: Definition) -> None:
    assert map_state["ResultWriter"] == {
        "Resource": "arn:aws:states:::s3:putObject",
        "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
        "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.map_prefix"},
    }
    assert (map_state["ResultPath"], map_state["Next"]) == ("$.map", "RowsMayWait")


def test_labels_are_unique_and_short_enough(definition: Definition) -> None:
    labels = [each["Label"] for each in definition["States"].values() if "ItemReader" in each]

    assert len(labels) == len(set(labels)) == len(READER_CONFIGS) + 1
    assert all(len(label) <= 40 and label.replace("-", "").isalnum() for label in labels)


def test_a_child_downloads_its_batch(template: Template, child: Definition) -> None:
    download = child["States"][child["StartAt"]]

    assert function(template, download) == "functions.download_batch.handler"
    assert download["Parameters"]["Payload"] == {
        "batch.$": "$",
        "retries.$": "$$.State.RetryCount",
        "execution_arn.$": "$$.Execution.Id",
        "started_at.$": "$$.Execution.StartTime",
    }
    assert download["OutputPath"] == "$.Payload"
    assert child["States"][download["Next"]] == state(child, "RowsDeferred")


def test_deferred_rows_wait_and_are_downloaded_again(child: Definition) -> None:
    [rule] = state(child, "RowsDeferred")["Choices"]
    wait = child["States"][rule["Next"]]

    assert (rule["Variable"], rule["IsPresent"]) == ("$.Items[0]", True)
    again = child["States"][wait["Next"]]
    assert (wait["Type"], wait["SecondsPath"]) == ("Wait", "$.wait_seconds")
    assert again == child["States"][child["StartAt"]] | {"Retry": again["Retry"]}


def test_a_batch_without_deferred_rows_ends_with_its_counts_alone(child: Definition) -> None:
    done = child["States"][state(child, "RowsDeferred")["Default"]]

    assert done == {"Type": "Pass", "Parameters": {"counts.$": "$.counts"}, "End": True}


def test_the_retries_of_a_batch_fit_into_an_express_execution(template: Template, child: Definition) -> None:
    timeout = template.only("AWS::Lambda::Function", "DownloadBatch")["Timeout"]

    _, any_error = child["States"][child["StartAt"]]["Retry"]

    assert longest_wait(any_error) + timeout * (1 + any_error["MaxAttempts"]) < EXPRESS_SECONDS


def test_a_throttled_batch_waits_for_150_seconds_and_has_time_left_for_a_round(
    template: Template, child: Definition
) -> None:
    timeout = template.only("AWS::Lambda::Function", "DownloadBatch")["Timeout"]
    busy, _ = child["States"][child["StartAt"]]["Retry"]

    assert 140 <= longest_wait(busy) <= FIRST_ROUND_WAIT_SECONDS == 150
    assert FIRST_ROUND_WAIT_SECONDS + timeout + CHILD_MARGIN_SECONDS < EXPRESS_SECONDS
    assert busy["JitterStrategy"] == "NONE", "with jitter it waits for half of that on average"


def test_a_later_round_waits_for_as_long_as_the_function_allows_for(child: Definition) -> None:
    busy, _ = state(child, "DownloadDeferred")["Retry"]

    assert longest_wait(busy) == LATER_ROUND_WAIT_SECONDS
    assert busy["JitterStrategy"] == "FULL"


@pytest.mark.parametrize("name", ["DownloadBatch", "DownloadDeferred"])
def test_a_batch_is_retried_when_lambda_throttles_and_twice_after_a_crash(child: Definition, name: str) -> None:
    busy, any_error = state(child, name)["Retry"]

    assert {"Lambda.TooManyRequestsException", "Lambda.ServiceException"} <= set(busy["ErrorEquals"])
    assert (any_error["ErrorEquals"], any_error["MaxAttempts"]) == (["States.ALL"], 2)


def test_a_run_without_passes_is_summarized_at_once(definition: Definition) -> None:
    may_wait = definition["States"]["RowsMayWait"]

    assert may_wait["Choices"] == [{"Variable": "$.passes", "NumericGreaterThan": 0, "Next": "PlanPass"}]
    assert may_wait["Default"] == "SummarizeRun"


def test_plan_pass_changes_the_state_and_plans_the_next_pass_or_none(
    template: Template, definition: Definition
) -> None:
    states = definition["States"]
    plan = states["PlanPass"]
    [rule] = states[plan["Next"]]["Choices"]
    wait = states[rule["Next"]]

    assert function(template, plan) == "functions.plan_pass.handler"
    assert plan["Parameters"]["Payload"] == {
        "state.$": "$",
        "execution_arn.$": "$$.Execution.Id",
        "started_at.$": "$$.Execution.StartTime",
    }
    assert plan["OutputPath"] == "$.Payload"
    assert (rule["Variable"], rule["StringEquals"]) == ("$.planned_pass.status", "planned")
    assert states[plan["Next"]]["Default"] == "SummarizeRun"
    assert wait == {"Type": "Wait", "SecondsPath": "$.planned_pass.wait_seconds", "Next": MAP_PASS}
    assert states[MAP_PASS]["Next"] == "PlanPass"


def test_the_map_of_a_pass_reads_all_its_files_and_gets_the_rows_as_they_are(definition: Definition) -> None:
    """Its rows have their numbers. All else is as in the other Maps."""
    map_pass, another = definition["States"][MAP_PASS], definition["States"]["Map JSONL"]

    assert map_pass["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "ReaderConfig": {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"},
        "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.planned_pass.prefix"},
    }
    assert "ItemSelector" not in map_pass
    assert map_pass["ItemBatcher"] == another["ItemBatcher"] | {
        "BatchInput": {"run.$": "$.run", "pass_number.$": "$.planned_pass.number"}
    }
    same = ("MaxConcurrencyPath", "ToleratedFailurePercentage", "ResultWriter", "ResultPath", "Catch")
    assert {name: map_pass[name] for name in same} == {name: another[name] for name in same}
    assert map_pass["ItemProcessor"]["ProcessorConfig"] == another["ItemProcessor"]["ProcessorConfig"]
    assert [each["Type"] for each in map_pass["ItemProcessor"]["States"].values()] == [
        each["Type"] for each in another["ItemProcessor"]["States"].values()
    ]


def test_the_summary_receives_the_execution_and_the_failure(template: Template, definition: Definition) -> None:
    summarize = definition["States"]["SummarizeRun"]

    assert function(template, summarize) == "functions.summarize_run.handler"
    assert summarize["Parameters"]["Payload"] == EXECUTION | {"failure.$": "$.failure"}
    assert (summarize["OutputPath"], summarize["Next"]) == ("$.Payload", "Outcome")


def test_the_summary_determines_the_status_of_the_run(definition: Definition) -> None:
    states = definition["States"]
    rule, _ = states["Outcome"]["Choices"]

    assert (rule["Variable"], rule["StringEquals"]) == ("$.status", "succeeded")
    assert states[rule["Next"]] == {"Type": "Succeed"}
    assert states[states["Outcome"]["Default"]] == {
        "Type": "Fail",
        "ErrorPath": "$.error",
        "CausePath": "$.cause",
    }


def test_state_names_are_unique_in_the_whole_state_machine(definition: Definition) -> None:
    names = [name for machine in machines(definition) for name in machine["States"]]

    assert len(names) == len(set(names))
    assert all(len(name) <= 80 for name in names)


def test_the_definition_obeys_the_schema_of_the_states_language(definition: Definition) -> None:
    """cfn-lint does not parse the joined string of the template, so it checks the definition as data."""
    alone = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/states",
                    "Definition": definition,
                },
            }
        }
    }
    assert lint(json.dumps(alone), config=ManualArgs()) == []


def test_the_state_machine_is_standard_and_traced(template: Template) -> None:
    machine = template.only("AWS::StepFunctions::StateMachine", "Workflow")

    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_the_state_machine_logs_errors_into_a_group_whose_events_expire(template: Template) -> None:
    logging = template.only("AWS::StepFunctions::StateMachine", "Workflow")["LoggingConfiguration"]
    log = template.only("AWS::Logs::LogGroup", "Workflow")

    assert logging["Level"] == "ERROR"
    assert (log["LogGroupName"], log["RetentionInDays"]) == ("/aws/vendedlogs/states/ImageMirror", 30)


def test_settings_change_the_log_level_and_the_timeout_of_a_run(
    other_template: Template, other_settings: Settings
) -> None:
    machine = other_template.only("AWS::StepFunctions::StateMachine", "Workflow")

    assert machine["LoggingConfiguration"]["Level"] == other_settings.workflow_log_level
    assert '"TimeoutSeconds":172800' in other_template.text(machine["DefinitionString"])


def test_a_run_may_take_two_weeks(definition: Definition) -> None:
    assert definition["TimeoutSeconds"] == 14 * 24 * 3600
