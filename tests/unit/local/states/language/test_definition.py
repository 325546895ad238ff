"""Definitions that are rejected when they are loaded: unsupported fields by name, invalid ones with the reason."""

from typing import Any

import pytest

from local.states import InvalidDefinitionError, UnsupportedDefinitionError
from local.states.language.definition import load_definition
from local.states.language.resources import S3_LIST
from tests.unit.local.states.harness import INVOKE, single_state
from tests.unit.local.states.run.test_distributed_map import WRITER, distributed, reader
from tests.unit.local.states.run.test_rules import RULES

OK = {"Type": "Pass", "End": True}
READER = reader()


def with_reader(**fields: Any) -> dict[str, Any]:
    return distributed(ItemReader={**READER, **fields})


def with_config(**config: Any) -> dict[str, Any]:
    return with_reader(ReaderConfig={**READER["ReaderConfig"], **config})


def wait(**fields: Any) -> dict[str, Any]:
    return single_state({"Type": "Wait", **fields})


def choice(**rule: Any) -> dict[str, Any]:
    return single_state({"Type": "Choice", "Choices": [{"Next": "T", **rule}]}, T=OK)


def invoke(**parameters: Any) -> dict[str, Any]:
    return single_state({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", **parameters}})


def parameters(path: object) -> dict[str, Any]:
    return single_state({"Type": "Pass", "Parameters": {"a.$": path}})


UNSUPPORTED = [
    (single_state({"Type": "Pass", "Assign": {}}), "S: field 'Assign'"),
    (single_state({"Type": "Pass", "QueryLanguage": "JSONata"}), "S: field 'QueryLanguage' with 'JSONata'"),
    ({**single_state(OK), "QueryLanguage": "JSONata"}, "field 'QueryLanguage' with 'JSONata'"),
    ({**single_state(OK), "Version": "2.0"}, "field 'Version' with '2.0'"),
    (single_state({"Type": "Poem"}), "S: field 'Type' with 'Poem'"),
    (single_state({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"}), "S: field 'Resource' with .*sqs"),
    (single_state({"Type": "Task", "Resource": f"{INVOKE}.waitForTaskToken"}), "S: field 'Resource' with"),
    (single_state({"Type": "Task", "Resource": INVOKE, "HeartbeatSeconds": 1}), "S: field 'HeartbeatSeconds'"),
    (invoke(InvocationType="Event"), r"S: field 'Parameters\.InvocationType' with 'Event'"),
    (invoke(Qualifier="1"), r"S: field 'Parameters\.Qualifier'"),
    (choice(Variable="$.a", StringLike="x"), r"S: field 'Choices\[0\]\.StringLike'"),
    (parameters("States.Shout($.a)"), r"S: field 'Parameters\.a\.\$': intrinsic function 'States\.Shout'"),
    (parameters("States.Format('a\\n')"), "escape"),
    (parameters("$.a.length()"), r"JSONPath '\$\.a\.length\(\)'"),
    (parameters("$.a[?(@.b == $.c)]"), "JSONPath"),
    (
        with_reader(Parameters={"Bucket": "b", "Key": "k", "RequestPayer": "requester"}),
        r"S: field 'ItemReader\.Parameters\.RequestPayer'",
    ),
    (with_reader(Resource="arn:aws:states:::s3:listObjects"), r"S: field 'ItemReader\.Resource' with"),
    (
        with_reader(Resource=S3_LIST, Parameters={"Bucket": "b"}, ReaderConfig={"Transformation": "FLATTEN"}),
        r"S: field 'ItemReader\.ReaderConfig\.Transformation' with 'FLATTEN'",
    ),
    (
        with_reader(Resource=S3_LIST, Parameters={"Bucket": "b", "Delimiter": "/"}, ReaderConfig={}),
        r"S: field 'ItemReader\.Parameters\.Delimiter'",
    ),
    (with_config(InputType="MANIFEST"), r"S: field 'ItemReader\.ReaderConfig\.InputType' with 'MANIFEST'"),
    (with_config(ItemsPointer="/a"), r"S: field 'ItemReader\.ReaderConfig\.ItemsPointer'"),
    (with_config(CSVDelimiter="TILDE"), r"S: field 'ItemReader\.ReaderConfig\.CSVDelimiter' with 'TILDE'"),
    (distributed(ItemBatcher={"MaxItemsPerBatch": 1, "Size": 1}), r"S: field 'ItemBatcher\.Size'"),
    (
        distributed(ResultWriter={**WRITER, "WriterConfig": {"Transformation": "ZIP", "OutputType": "JSON"}}),
        r"S: field 'ResultWriter\.WriterConfig\.Transformation' with 'ZIP'",
    ),
    (distributed(Parameters={}), "S: field 'Parameters'"),
    (distributed(TimeoutSeconds=1), "S: field 'TimeoutSeconds'"),
    (
        single_state({"Type": "Map", "ItemProcessor": {"StartAt": "T", "States": {"T": OK}}, "ItemReader": READER}),
        "S: field 'ItemReader'",
    ),
    (single_state({"Type": "Map", "Iterator": {}}), "S: field 'Iterator'"),
]

INVALID = [
    ("not JSON", "is not JSON"),
    (
        with_reader(
            ReaderConfig={"InputType": "PARQUET"}, Parameters={"Bucket": "b", "Key": "k", "VersionId.$": "$.v"}
        ),
        "has VersionId, which the input type PARQUET does not support",
    ),
    ("[]", "not a JSON object"),
    ({"StartAt": "S"}, "needs States"),
    ({"StartAt": "X", "States": {"S": OK}}, "transition to 'X', but no state"),
    ({"StartAt": "S", "States": {"S": OK, "T": OK}}, "unreachable state 'T'"),
    ({"StartAt": "S", "States": {"S": {"Type": "Pass"}}}, "S needs End or Next"),
    ({"StartAt": "S", "States": {"S": {**OK, "Next": "S"}}}, "S needs End or Next"),
    (distributed({"Type": "Pass"})["States"]["S"] | {}, "needs StartAt|field"),
    (wait(), "S needs Seconds or"),
    (wait(Seconds=1, SecondsPath="$.a"), "S needs Seconds or"),
    (wait(Seconds=-1), "Seconds' must be"),
    (wait(Timestamp="tomorrow"), "Timestamp' must be"),
    (choice(Variable="$.a"), "needs one operator"),
    (choice(Variable="a", IsNull=True), "must begin with"),
    (single_state({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]}), "must have a Next"),
    (single_state({"Type": "Pass", "ResultPath": "$.a[*]"}), "not a reference path"),
    (single_state({"Type": "Pass", "ResultPath": "$$.a"}), "not a reference path"),
    (single_state({"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "has both"),
    (parameters("'a'"), "neither a path nor"),
    (parameters(5), r"field 'Parameters\.a\.\$' must be a string"),
    (parameters(["$.a"]), r"field 'Parameters\.a\.\$' must be a string"),
    (single_state({"Type": "Pass", "InputPath": ["$.a"]}), "field 'InputPath' must be a string"),
    (invoke(**{"FunctionName.$": "$.f"}), "needs FunctionName"),
    (with_config(CSVHeaders=["a"]), "CSVHeaders"),
    (with_config(CSVHeaderLocation="GIVEN"), "CSVHeaders"),
    (distributed(ItemReader=reader("k", "JSON", CSVDelimiter="TAB")), "which is for CSV"),
    (distributed(ItemBatcher={}), "needs MaxItemsPerBatch or"),
    (distributed(ItemBatcher={"MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.a"}), "has both"),
    (distributed(Label="a b"), "Label' must be"),
    (distributed(ToleratedFailurePercentage=101), "from 0 to 100"),
    (single_state({"Type": "Parallel", "Branches": []}), "must be an array that is not empty"),
    (
        single_state({"Type": "Parallel", "Branches": [{"StartAt": "S", "States": {"S": OK}}]}),
        "unique in the whole state machine",
    ),
    (
        single_state(
            {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName": "f"},
                "Retry": [{"ErrorEquals": ["States.ALL", "E"]}],
            }
        ),
        "States.ALL alone",
    ),
    (
        single_state(
            {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName": "f"},
                "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}],
            }
        ),
        "in its last entry",
    ),
]


@pytest.mark.parametrize(("definition", "words"), UNSUPPORTED, ids=[words for _, words in UNSUPPORTED])
def test_what_is_not_implemented_is_refused_by_name(definition: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedDefinitionError, match=f"{words}.*not implemented"):
        load_definition(definition, "STANDARD")


@pytest.mark.parametrize(("definition", "words"), INVALID, ids=[words for _, words in INVALID])
def test_what_is_wrong_is_refused(definition: Any, words: str) -> None:
    with pytest.raises(InvalidDefinitionError, match=words):
        load_definition(definition, "STANDARD")


def test_an_express_machine_holds_no_distributed_map() -> None:
    with pytest.raises(InvalidDefinitionError, match="needs a STANDARD workflow"):
        load_definition(distributed(), "EXPRESS")


def test_nor_does_an_express_child() -> None:
    inner = distributed()["States"]["S"]
    definition = distributed({key: value for key, value in inner.items() if key != "End"})
    definition["States"]["S"]["ItemProcessor"]["States"]["I"]["ItemProcessor"]["States"] = {"J": OK}
    definition["States"]["S"]["ItemProcessor"]["States"]["I"]["ItemProcessor"]["StartAt"] = "J"
    with pytest.raises(InvalidDefinitionError, match="I is a distributed Map"):
        load_definition(definition, "STANDARD")


@pytest.mark.parametrize("definition", [rule[1] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_a_field_that_is_misspelt_in_any_state_is_refused(definition: dict[str, Any]) -> None:
    states = {name: {**state, "Tpyo": 1} for name, state in definition["States"].items()}
    with pytest.raises(UnsupportedDefinitionError, match="field 'Tpyo' is not implemented"):
        load_definition({**definition, "States": states}, "STANDARD")
