"""`make watch`: a run of `make up`, or of the AWS account of your credentials, from the outside."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from functions.core.model.runs import run_id_of
from local.commands.terminal import End, Terminal
from local.commands.usage import UsageError
from local.commands.watcher import Client, Places, Watcher

STACK = "ImageMirror"
POLL_SECONDS = 2.0
LATEST = 5


def watch(*, out: Path, run: str) -> int:
    """The run named, or the latest one. The exit status is the run's. Raises UsageError."""
    terminal = Terminal()
    try:
        client, places = _deployed(out)
        watcher = Watcher(client, places, _execution(client, places, run))
        terminal.say(f"Watching {watcher.run_id}; Ctrl-C ends the watching, not the run.")
        seen = terminal.follow(watcher.watch(POLL_SECONDS))
        terminal.show_end(_end(seen.execution, watcher.summary() or {}, places))
    except EndpointConnectionError as error:
        raise UsageError(f"Nobody answers: {error}. Is {out / 'local.env'} of a `make up` that has ended?") from error
    except (BotoCoreError, ClientError) as error:
        raise UsageError(f"AWS does not answer as it should: {error}") from error
    except KeyboardInterrupt:
        terminal.say("Not watching any more. The run goes on.")
        return 130
    return 0 if seen.execution["status"] == "SUCCEEDED" else 1


def _deployed(out: Path) -> tuple[Client, Places]:
    """The embedded AWS where `make up` keeps one in `out`, else the account."""
    file = out / "local.env"
    if file.exists():
        found = _variables(file.read_text())
        session = boto3.Session(
            found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], region_name=found["AWS_REGION"]
        )
        places = Places(found["STATE_MACHINE_ARN"], found["RUNS_TABLE"], found["INPUT_BUCKET"])
        return _clients(session, endpoint_url=found["AWS_ENDPOINT_URL"], config=Config(proxies={})), places
    client = _clients(boto3.Session())
    stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return client, Places.of({output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]})


def _variables(text: str) -> dict[str, str]:
    """What `export NAME=value` lines set."""
    words = [word for line in text.splitlines() for word in shlex.split(line)[1:]]
    return dict(word.split("=", 1) for word in words)


def _clients(session: boto3.Session, **settings: Any) -> Client:
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            new: Any = session.client
            made[service] = new(service, **settings)
        return made[service]

    return client


def _execution(client: Client, places: Places, run: str) -> str:
    """Raises UsageError."""
    if run:
        key = {"run_id": {"S": run}}
        record = client("dynamodb").get_item(TableName=places.runs_table, Key=key).get("Item", {})
        if "execution_arn" in record:
            return str(record["execution_arn"]["S"])
    states = client("stepfunctions")
    latest = states.list_executions(stateMachineArn=places.machine, maxResults=LATEST)["executions"]
    if latest and not run:
        return str(latest[0]["executionArn"])
    if not latest:
        raise UsageError("There is no run yet: upload a manifest to manifests/ in the input bucket.")
    inputs = (states.describe_execution(executionArn=found["executionArn"])["input"] for found in latest)
    names = ", ".join(run_id_of(json.loads(text)) for text in inputs)
    raise UsageError(f"There is no run {run}. The latest ones: {names}.")


def _end(execution: Mapping[str, Any], summary: Mapping[str, Any], places: Places) -> End:
    found = [(name, summary[field]) for name, field in End.REPORTS if summary.get(field)]
    return End(execution, summary, [(name, f"s3://{places.input_bucket}/{key}") for name, key in found])
