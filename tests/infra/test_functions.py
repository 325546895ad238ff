import json
from pathlib import Path
from typing import Any

import pytest

from cdk.settings import Settings
from functions.config import ApiConfig, DownloadConfig, IndexConfig, PlanConfig, PrepareConfig, SummarizeConfig
from functions.core.cost import index
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.options import Options
from functions.core.summary.fold import groups
from tests.infra.conftest import synthesized
from tests.infra.rendered import Template

ALL = {"ENVIRONMENT", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE"}
EXPECTED = {
    "prepare_run": (300, 1024, {"RUNS_TABLE", "DEFAULT_OPTIONS", "CHECK_BYTES", "HOST_LIMITS"}),
    "download_batch": (
        90,
        1769,
        {
            *("IMAGES_BUCKET", "IMAGES_PREFIX", "IMAGES_TABLE", "HOSTS_TABLE", "INPUT_BUCKET", "TOPIC_ARN"),
            *("ALLOWED_NETWORKS", "CONTACT"),
        },
    ),
    "plan_pass": (300, 1024, {"INPUT_BUCKET", "RUNS_TABLE", "RUN_TIMEOUT_SECONDS"}),
    "summarize_run": (
        900,
        1769,
        {"INPUT_BUCKET", "IMAGES_PREFIX", "RUNS_TABLE", "TOPIC_ARN", "INDEX_MACHINE_ARN"},
    ),
    "index_run": (900, 1769, {"INPUT_BUCKET", "RUNS_TABLE"}),
    "api": (
        29,
        1024,
        {"IMAGES_BUCKET", "IMAGES_PREFIX", "IMAGES_TABLE", "INPUT_BUCKET", "RUNS_TABLE", "STATE_MACHINE_ARN"},
    ),
}


@pytest.fixture
def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The properties of each function by module."""
    all_properties = [each["Properties"] for each in template.all("AWS::Lambda::Function").values()]
    return {properties["Handler"].split(".")[1]: properties for properties in all_properties}


def test_there_are_five_functions(functions: dict[str, Any]) -> None:
    assert functions.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_has_its_limits_and_its_environment(functions: dict[str, Any], name: str) -> None:
    seconds, megabytes, names = EXPECTED[name]
    function = functions[name]

    assert (function["Timeout"], function["MemorySize"]) == (seconds, megabytes)
    assert function["Environment"]["Variables"].keys() == names | ALL
    assert function["Handler"] == f"functions.{name}.handler"


def test_estimates_use_the_memory_of_the_function(functions: dict[str, Any]) -> None:
    assert functions["download_batch"]["MemorySize"] == DOWNLOAD_MEMORY_MB
    assert functions["index_run"]["MemorySize"] == index.MEMORY_MB


def test_estimates_use_the_groups_of_the_index() -> None:
    assert index.GROUP_ROWS == groups.GROUP_ROWS


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("prepare_run", PrepareConfig),
        ("download_batch", DownloadConfig),
        ("plan_pass", PlanConfig),
        ("summarize_run", SummarizeConfig),
        ("index_run", IndexConfig),
        ("api", ApiConfig),
    ],
)
def test_a_function_has_the_environment_variables_that_it_reads(template: Template, name: str, model: Any) -> None:
    assert model.read(template.environment(name))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_runs_python_3_13_on_arm64_with_traces(functions: dict[str, Any], name: str) -> None:
    function = functions[name]

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize("name", EXPECTED)
def test_a_function_logs_into_a_group_whose_events_expire(
    template: Template, functions: dict[str, Any], name: str
) -> None:
    group = functions[name]["LoggingConfig"]["LogGroup"]["Ref"]

    assert template.all("AWS::Logs::LogGroup")[group]["Properties"]["RetentionInDays"] == 30


def test_all_functions_but_the_one_that_needs_pyarrow_are_one_asset(functions: dict[str, Any]) -> None:
    assets = {name: json.dumps(function["Code"]) for name, function in functions.items()}
    own = assets.pop("index_run")

    assert len(set(assets.values())) == 1
    assert own not in assets.values()


def test_no_setting_is_a_parameter(template: Template, other_template: Template) -> None:
    """The CDK CLI keeps the value that a parameter had: from the second deployment on, a change would be ignored."""
    for each in (template, other_template):
        assert set(each.body["Parameters"]) == {"BootstrapVersion"}


def test_settings_reach_the_functions(other_template: Template, other_settings: Settings) -> None:
    download = other_template.only("AWS::Lambda::Function", "DownloadBatch")["Environment"]["Variables"]
    prepare = other_template.only("AWS::Lambda::Function", "PrepareRun")["Environment"]["Variables"]

    assert download["ALLOWED_NETWORKS"] == other_settings.allowed_networks
    assert download["CONTACT"] == other_settings.contact
    assert download["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    assert json.loads(prepare["DEFAULT_OPTIONS"]) == {"concurrency": 8}
    assert other_template.only("AWS::Logs::LogGroup", "DownloadBatch")["RetentionInDays"] == 7


def test_the_stack_has_no_custom_resource(template: Template) -> None:
    kinds = {each["Type"] for each in template.body["Resources"].values()}

    assert not [kind for kind in kinds if kind.startswith("Custom::") or "CustomResource" in kind]
    assert "AWS::CDK::Metadata" not in kinds


def test_the_outputs_have_the_documented_names(template: Template) -> None:
    assert template.body["Outputs"].keys() == {
        "InputBucket",
        "ImagesBucket",
        "ImagesPrefix",
        "ImagesTable",
        "RunsTable",
        "HostsTable",
        "TopicArn",
        "StateMachineArn",
        "IndexMachineArn",
        "ApiUrl",
    }


def test_download_batch_has_disk_space_for_its_largest_images_at_default_concurrency(functions: dict[str, Any]) -> None:
    defaults = Options()

    megabytes = functions["download_batch"]["EphemeralStorage"]["Size"]

    assert defaults.concurrency * defaults.max_bytes <= megabytes * 1024 * 1024


def versions(template: Template) -> dict[str, str]:
    """The logical id of the published version of each function, by the logical id of the function."""
    found = template.all("AWS::Lambda::Version")
    return {each["Properties"]["FunctionName"]["Ref"]: name for name, each in found.items()}


def test_the_functions_of_the_workflow_have_published_versions_which_updates_retain(template: Template) -> None:
    """A version whose creation is rolled back is deleted: Lambda would not publish the same function again."""
    functions = template.all("AWS::Lambda::Function")
    published = template.all("AWS::Lambda::Version")

    assert {functions[name]["Properties"]["Handler"].split(".")[1] for name in versions(template)} == {
        "prepare_run",
        "download_batch",
        "plan_pass",
        "summarize_run",
        "index_run",
    }
    assert {each["DeletionPolicy"] for each in published.values()} == {"RetainExceptOnCreate"}
    assert {each["UpdateReplacePolicy"] for each in published.values()} == {"Retain"}


@pytest.mark.parametrize(
    "setting",
    [
        {"contact": "https://example.com/mirror"},
        {"log_level": "DEBUG"},
        {"allowed_networks": "10.0.0.0/8"},
        {"default_options": {"per_host": 2}},
        {"api_rate_limit": 7},
        {"run_timeout_days": 3},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_a_version_is_published_if_its_function_changes_and_only_then(
    template: Template, tmp_path: Path, setting: dict[str, Any]
) -> None:
    changed = Template(json.loads(synthesized(Settings(**setting), tmp_path).read_text()))
    before, after = template.all("AWS::Lambda::Function"), changed.all("AWS::Lambda::Function")

    assert {name for name, version in versions(template).items() if versions(changed)[name] != version} == {
        name for name in versions(template) if before[name] != after[name]
    }


def test_other_code_is_another_configuration_so_that_lambda_publishes_a_version(
    functions: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cdk.asset.fingerprint", lambda **_: "0123456789abcdef")
    other = Template(json.loads(synthesized(Settings(), tmp_path).read_text()))

    assert other.only("AWS::Lambda::Function", "PrepareRun")["Description"] == "Code 0123456789ab"
    assert functions["prepare_run"]["Description"] != "Code 0123456789ab"


def test_a_run_that_ended_otherwise_is_summarized_by_the_newest_code(template: Template) -> None:
    """One rule serves the runs of all deployments, and a version of an ended run may be gone."""
    [name] = [name for name in versions(template) if name.startswith("SummarizeRun")]
    rule = template.only("AWS::Events::Rule", "StatusChange")
    retries = template.only("AWS::Lambda::EventInvokeConfig")

    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": [name, "Arn"]}]
    assert (retries["FunctionName"], retries["Qualifier"]) == ({"Ref": name}, "$LATEST")
