"""The REST API, and the rule for runs that did not succeed."""

import json

from cdk.resources.api import DOCS, METHODS
from functions.adapters import dynamodb_runs_table as runs_table
from functions.api import app
from tests.infra.rendered import Template


def methods(template: Template) -> dict[tuple[str, str], dict[str, object]]:
    """Return the properties of each method by HTTP method and path."""
    resources = template.all("AWS::ApiGateway::Resource")

    def path(resource: dict[str, object]) -> str:
        if "Ref" not in resource:
            return ""
        properties = resources[str(resource["Ref"])]["Properties"]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    properties = [each["Properties"] for each in template.all("AWS::ApiGateway::Method").values()]
    return {(each["HttpMethod"], path(each["ResourceId"]).strip("/")): each for each in properties}


def test_the_api_has_the_routes_of_its_function_and_no_other(template: Template) -> None:
    routes = json.loads(app.get_openapi_json_schema())["paths"]

    assert set(methods(template)) == set(METHODS)
    assert {(method.upper(), path.strip("/")) for path, each in routes.items() for method in each} == set(METHODS)


def test_every_method_requires_iam_and_invokes_the_function(template: Template) -> None:
    for method in methods(template).values():
        assert method["AuthorizationType"] == "AWS_IAM"
        assert "<ApiFunction" in template.text(method["Integration"]["Uri"])


def test_a_setting_adds_the_routes_of_the_documentation(other_template: Template) -> None:
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


def test_an_error_of_the_gateway_is_a_problem_document_too(template: Template) -> None:
    responses = [each["Properties"] for each in template.all("AWS::ApiGateway::GatewayResponse").values()]
    problems = {each["ResponseType"]: json.loads(each["ResponseTemplates"]["application/json"]) for each in responses}

    assert {kind: problem["status"] for kind, problem in problems.items()} == {
        "REQUEST_TOO_LARGE": 413,
        "THROTTLED": 429,
    }
    assert "POST /manifests" in problems["REQUEST_TOO_LARGE"]["detail"]


def test_the_account_s_logging_role_is_retained_and_a_setting_omits_it(
    template: Template, other_template: Template
) -> None:
    [account] = template.all("AWS::ApiGateway::Account").values()
    [role] = [each for name, each in template.all("AWS::IAM::Role").items() if name.startswith("RestApiCloudWatchRole")]

    assert account["DeletionPolicy"] == role["DeletionPolicy"] == "Retain"
    assert not other_template.all("AWS::ApiGateway::Account")


def test_the_function_lists_runs_by_the_index_of_the_table(template: Template) -> None:
    [index] = template.only("AWS::DynamoDB::Table", "TablesRuns")["GlobalSecondaryIndexes"]

    assert index["IndexName"] == runs_table.NEWEST


def test_summarize_run_receives_runs_that_failed_timed_out_or_were_stopped(template: Template) -> None:
    machine, _ = sorted(template.all("AWS::StepFunctions::StateMachine"), reverse=True)
    rule = template.only("AWS::Events::Rule", "StatusChange")
    [target] = rule["Targets"]

    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }
    assert template.text(target["Arn"]).startswith("<SummarizeRunFunction")
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()


def test_a_status_change_that_cannot_be_delivered_ends_in_its_dead_letter_queue(template: Template) -> None:
    [queue] = [name for name in template.all("AWS::SQS::Queue") if name.startswith("StatusChange")]
    [target] = template.only("AWS::Events::Rule", "StatusChange")["Targets"]
    invoke_config = template.only("AWS::Lambda::EventInvokeConfig")

    assert template.text(target["DeadLetterConfig"]["Arn"]) == f"<{queue}.Arn>"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert template.text(invoke_config["DestinationConfig"]["OnFailure"]["Destination"]) == f"<{queue}.Arn>"
    assert invoke_config["MaximumRetryAttempts"] == 2
    assert template.only("AWS::SQS::Queue", "StatusChange")["SqsManagedSseEnabled"] is True
