"""The REST API, and who hears of the end of a run."""

import json

from cdk.resources.api import DOCS, METHODS
from functions.adapters import dynamodb_runs_table as runs_table
from functions.api import app
from tests.infra.rendered import Template


def methods(template: Template) -> dict[tuple[str, str], dict[str, object]]:
    """The properties of each method, by HTTP method and path."""
    resources = template.all("AWS::ApiGateway::Resource")

    def path(resource: dict[str, object]) -> str:
        if "Ref" not in resource:
            return ""
        properties = resources[str(resource["Ref"])]["Properties"]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    found = [each["Properties"] for each in template.all("AWS::ApiGateway::Method").values()]
    return {(each["HttpMethod"], path(each["ResourceId"]).strip("/")): each for each in found}


def test_the_api_has_the_routes_of_its_function_and_no_other(template: Template) -> None:
    routes = json.loads(app.get_openapi_json_schema())["paths"]

    assert set(methods(template)) == set(METHODS)
    assert {(method.upper(), path.strip("/")) for path, each in routes.items() for method in each} == set(METHODS)


def test_every_method_wants_iam_and_is_answered_by_the_function(template: Template) -> None:
    for method in methods(template).values():
        assert method["AuthorizationType"] == "AWS_IAM"
        assert "<ApiFunction" in template.text(method["Integration"]["Uri"])


def test_the_document_can_be_had_where_a_setting_allows_it(other_template: Template) -> None:
    assert set(methods(other_template)) == {*METHODS, *DOCS}
    assert {each["AuthorizationType"] for each in methods(other_template).values()} == {"AWS_IAM"}


def test_requests_are_throttled_traced_and_logged(template: Template, other_template: Template) -> None:
    stage = template.only("AWS::ApiGateway::Stage")
    [every] = stage["MethodSettings"]
    [other] = other_template.only("AWS::ApiGateway::Stage")["MethodSettings"]

    assert stage["TracingEnabled"] is True
    assert (every["HttpMethod"], every["ResourcePath"]) == ("*", "/*")
    assert (every["ThrottlingRateLimit"], every["ThrottlingBurstLimit"]) == (50, 100)
    assert (other["ThrottlingRateLimit"], other["ThrottlingBurstLimit"]) == (5, 7)
    assert every["DataTraceEnabled"] is False
    assert "<RestApiAccessLog" in template.text(stage["AccessLogSetting"]["DestinationArn"])


def test_the_access_log_holds_no_query_string(template: Template) -> None:
    logged = json.loads(template.only("AWS::ApiGateway::Stage")["AccessLogSetting"]["Format"])

    assert {"caller", "method", "path", "status", "request_id"} <= logged.keys()
    assert not [value for value in logged.values() if "query" in value.lower() or "header" in value.lower()]


def test_what_the_gateway_refuses_is_a_problem_document_too(template: Template) -> None:
    refusals = [each["Properties"] for each in template.all("AWS::ApiGateway::GatewayResponse").values()]
    said = {each["ResponseType"]: json.loads(each["ResponseTemplates"]["application/json"]) for each in refusals}

    assert {kind: problem["status"] for kind, problem in said.items()} == {"REQUEST_TOO_LARGE": 413, "THROTTLED": 429}
    assert "POST /manifests" in said["REQUEST_TOO_LARGE"]["detail"]


def test_the_account_s_logging_role_stays_and_a_setting_leaves_it_alone(
    template: Template, other_template: Template
) -> None:
    [account] = template.all("AWS::ApiGateway::Account").values()
    [role] = [each for name, each in template.all("AWS::IAM::Role").items() if name.startswith("RestApiCloudWatchRole")]

    assert account["DeletionPolicy"] == role["DeletionPolicy"] == "Retain"
    assert not other_template.all("AWS::ApiGateway::Account")


def test_the_function_lists_runs_by_the_index_that_there_is(template: Template) -> None:
    [index] = template.only("AWS::DynamoDB::Table", "TablesRuns")["GlobalSecondaryIndexes"]

    assert index["IndexName"] == runs_table.NEWEST


def test_summarize_run_hears_of_runs_that_ended_otherwise(template: Template) -> None:
    [machine] = template.all("AWS::StepFunctions::StateMachine")
    rule = template.only("AWS::Events::Rule", "StatusChange")
    [target] = rule["Targets"]

    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }
    assert template.text(target["Arn"]).startswith("<SummarizeRunFunction")
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()


def test_an_end_that_nobody_could_be_told_of_waits_in_a_queue_of_its_own(template: Template) -> None:
    [queue] = [name for name in template.all("AWS::SQS::Queue") if name.startswith("StatusChange")]
    [target] = template.only("AWS::Events::Rule", "StatusChange")["Targets"]
    failing = template.only("AWS::Lambda::EventInvokeConfig")

    assert template.text(target["DeadLetterConfig"]["Arn"]) == f"<{queue}.Arn>"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert template.text(failing["DestinationConfig"]["OnFailure"]["Destination"]) == f"<{queue}.Arn>"
    assert failing["MaximumRetryAttempts"] == 2
    assert template.only("AWS::SQS::Queue", "StatusChange")["SqsManagedSseEnabled"] is True
