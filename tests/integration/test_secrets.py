"""Credentials and signatures in a manifest are in no log, message or report of its run."""

import json
from pathlib import Path

from local.aws.cloud import Cloud
from tests.support.pipeline import FinishedRun, mirror
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
SECRETS = ("hunter2", "c0ffee51gnature", "AKIAIOSFODNN7EXAMPLE", "bearer-of-secrets")
QUERY = f"X-Amz-Credential={SECRETS[2]}&X-Amz-Signature={SECRETS[1]}"


def _logs(cloud: Cloud) -> str:
    cloud.settle()
    logs = cloud.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [event for name in groups for event in logs.filter_log_events(logGroupName=name)["events"]]
    return "\n".join(event["message"] for event in events)


def _reports(run: FinishedRun) -> dict[str, str]:
    """All files of the run except the retry manifest, which has the exact URLs so that it can be run."""
    names = [name for name in run.names() if "/retry." not in name]
    return {name: run.file(name).decode() for name in names}


def test_no_credential_or_signature_is_in_any_output_of_a_run(cloud: Cloud, site: Site) -> None:
    host = site.url.removeprefix("http://")
    site.put("/good.jpg", IMAGE)
    site.put("/tired.jpg", Answer(b"", 500))
    site.put("/page.jpg", Answer(b"<html></html>"))
    rows = [
        {"url": f"http://me:{SECRETS[0]}@{host}/{name}.jpg?{QUERY}&n={n}", "headers": {"X-Auth": SECRETS[3]}}
        for n, name in enumerate(("good", "tired", "page", "gone", "good"))
    ]

    run = mirror(cloud, "secrets.json", json.dumps(rows), {"rounds": "1"})

    outputs = _reports(run) | {"logs": _logs(cloud), "messages": json.dumps(cloud.messages())}
    assert [run.summary[name] for name in ("stored", "failed")] == [2, 3]
    assert run.run_id in outputs["logs"]
    assert {name.rpartition("/")[2] for name in outputs} >= {"failures.csv", "report.html", "summary.json"}
    assert [(name, secret) for name, text in outputs.items() for secret in SECRETS if secret in text] == []
    assert SECRETS[1] in run.file(run.summary["retry_manifest"]).decode()
