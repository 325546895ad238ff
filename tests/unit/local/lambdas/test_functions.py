"""Sandboxes: the input of a handler, and the result of a handler that crashes, hangs or exceeds its memory."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from local.lambdas.function import FunctionConfig, Target, function_name, version_of, worker_variables
from local.lambdas.host import FunctionHost, FunctionNotFoundError, HostClosedError
from tests.unit.local.conftest import HANDLERS, Lines

Register = Callable[..., str]


def test_a_handler_gets_the_payload_and_returns_its_result(host: FunctionHost, function: Register) -> None:
    payload = {"text": "ünïcödé \u2028", "number": 1.5, "nothing": None}
    result = host.invoke(function("echo"), payload)
    assert (result.payload, result.error) == (payload, None)


def test_a_payload_of_256_kib_passes_both_ways(host: FunctionHost, function: Register) -> None:
    payload = {"text": "x" * (256 * 1024)}
    assert host.invoke(function("echo"), payload).payload == payload


def test_an_idle_sandbox_is_used_again(host: FunctionHost, function: Register) -> None:
    name = function("count")
    assert [host.invoke(name, {}).payload for _ in range(3)] == [1, 2, 3]


def test_no_more_sandboxes_run_than_the_limit_and_other_invocations_wait(
    host: FunctionHost, function: Register
) -> None:
    name = function("pid")
    with ThreadPoolExecutor(8) as callers:
        pids = set(callers.map(lambda _: host.invoke(name, {}).payload, range(40)))
    assert 1 <= len(pids) <= 2


def test_an_exception_of_a_handler_is_its_result_and_the_sandbox_is_kept(
    host: FunctionHost, function: Register
) -> None:
    name = function("fail")
    result = host.invoke(name, {})
    assert result.error == "Unhandled"
    assert result.payload["errorType"] == "ValueError"
    assert result.payload["errorMessage"] == "no such manifest"
    assert result.payload["stackTrace"][0].startswith('  File "')
    before = psutil.Process().children()
    host.invoke(name, {})
    assert psutil.Process().children() == before


@pytest.mark.parametrize(
    ("handler", "event", "message"),
    [
        ("kill_itself", {}, "Runtime exited with error: signal: killed"),
        ("leave", {"status": 3}, "Runtime exited with error: exit status 3"),
        ("leave", {"status": 0}, "Runtime exited without providing a reason"),
    ],
)
def test_a_sandbox_that_exits_is_an_exit_error(
    host: FunctionHost, function: Register, handler: str, event: dict[str, int], message: str
) -> None:
    result = host.invoke(function(handler), event)
    assert result.error == "Unhandled"
    assert result.payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {message}", result.payload["errorMessage"])


def test_after_a_kill_the_next_invocation_gets_a_new_sandbox(
    host: FunctionHost, function: Register, tmp_path: Path
) -> None:
    name, event = function("kill_once"), {"path": str(tmp_path / "called")}
    assert host.invoke(name, event).error == "Unhandled"
    assert host.invoke(name, event).payload == "second"


def test_an_idle_sandbox_that_was_killed_is_not_used_again(host: FunctionHost, function: Register) -> None:
    name = function("pid")
    first = host.invoke(name, {}).payload
    os.kill(first, signal.SIGKILL)
    (idle,) = host._pools[name]._idle
    _wait_until(lambda: not idle.alive)
    second = host.invoke(name, {})
    assert second.error is None
    assert second.payload != first


def test_a_handler_that_takes_too_long_is_killed_at_its_timeout(host: FunctionHost, function: Register) -> None:
    host.invoke(function("echo"), {})
    started = time.monotonic()
    result = host.invoke(function("wait", timeout=0.3), {})
    assert result.payload["errorType"] == "Sandbox.Timedout"
    assert result.payload["errorMessage"].endswith("Error: Task timed out after 0.30 seconds")
    assert time.monotonic() - started < 5


def test_a_handler_that_exceeds_its_memory_is_killed(host: FunctionHost, function: Register) -> None:
    result = host.invoke(function("exceed_memory", memory=128), {})
    assert result.payload["errorType"] == "Runtime.OutOfMemory"
    assert "signal: killed" in result.payload["errorMessage"]


def test_output_of_a_handler_does_not_corrupt_its_result_and_is_logged(
    host: FunctionHost, function: Register, lines: Lines
) -> None:
    assert host.invoke(function("print_much"), {}).payload == "answer"
    logged = lines.until("REPORT")
    assert '{"payload": "forged", "error": null}' in logged
    assert "to stderr" in logged
    assert "from a child" in logged


def test_the_log_has_start_end_and_report_as_in_aws(host: FunctionHost, function: Register, lines: Lines) -> None:
    request = host.invoke(function("echo"), {}).request_id
    start, end, report = lines.until("REPORT")
    assert start == f"START RequestId: {request} Version: $LATEST"
    assert end == f"END RequestId: {request}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB"
        r"\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms",
        report,
    )


def test_a_timeout_is_logged_although_the_worker_could_not_log_it(
    host: FunctionHost, function: Register, lines: Lines
) -> None:
    host.invoke(function("wait", timeout=0.2), {})
    logged = lines.until("REPORT")
    assert any("Task timed out after 0.20 seconds" in line for line in logged)


def test_the_tail_of_the_log_is_in_the_result_on_request(host: FunctionHost, function: Register) -> None:
    result = host.invoke(function("print_much"), {}, tail=True)
    assert result.log_tail.startswith(b"START RequestId")
    assert f"REPORT RequestId: {result.request_id}".encode() in result.log_tail


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("nowhere.handler", "Runtime.ImportModuleError"),
        (f"{HANDLERS}.nothing", "Runtime.HandlerNotFound"),
    ],
)
def test_a_handler_that_cannot_be_loaded_says_so(host: FunctionHost, handler: str, error_type: str) -> None:
    host.register(FunctionConfig("broken", handler, 3, 128))
    assert host.invoke("broken", {}).payload["errorType"] == error_type


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [("unserializable", "Runtime.MarshalError"), ("huge", "Function.ResponseSizeTooLarge")],
)
def test_a_result_that_lambda_would_reject_is_rejected(
    host: FunctionHost, function: Register, handler: str, error_type: str
) -> None:
    assert host.invoke(function(handler), {}).payload["errorType"] == error_type


def test_a_handler_sees_the_templates_variables_and_nothing_of_this_machine(
    host: FunctionHost, function: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("AWS_PROFILE", "production")
    variables = host.invoke(function("variables", variables={"INPUT_BUCKET": "input"}), {}).payload
    assert variables["INPUT_BUCKET"] == "input"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "variables"
    assert variables["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not {"HTTPS_PROXY", "AWS_PROFILE", "HOME", "POWERTOOLS_DEV"} & set(variables)


def test_the_context_has_the_fields_of_lambda(host: FunctionHost, function: Register) -> None:
    result = host.invoke(function("about", timeout=9), {})
    about = result.payload
    assert 0 < about.pop("remaining") <= 9000
    assert about.pop("stream").startswith(time.strftime("%Y/%m/", time.gmtime()))
    assert about == {
        "function_name": "about",
        "function_version": "$LATEST",
        "memory": "256",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:about",
        "group": "/aws/lambda/about",
        "request_id": result.request_id,
    }


def test_the_temporary_folder_of_a_sandbox_is_deleted_with_it(host: FunctionHost, function: Register) -> None:
    folder = Path(host.invoke(function("variables"), {}).payload["TMPDIR"])
    assert folder.is_dir()
    host.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    "name",
    ["f", "f:$LATEST", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:7"],
)
def test_a_function_is_identified_by_its_name_and_its_arns(name: str) -> None:
    assert function_name(name) == "f"


def test_an_unknown_function_is_an_error(host: FunctionHost) -> None:
    with pytest.raises(FunctionNotFoundError, match="function:missing"):
        host.invoke("missing", {})


def test_closing_stops_invocations_and_leaves_no_process_and_no_thread(lines: Lines) -> None:
    threads, processes = set(threading.enumerate()), psutil.Process().children()
    host = FunctionHost(Target("us-east-1", "123456789012", "http://127.0.0.1:1"), lines, max_sandboxes=2)
    host.register(FunctionConfig("wait", f"{HANDLERS}.wait", 60, 256))
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(host.invoke, "wait", {}) for _ in range(4)]
        lines.until("START")
        host.close()
        ends = [call.exception() or call.result().payload["errorType"] for call in calls]
    assert all(isinstance(end, HostClosedError) or end == "Runtime.ExitError" for end in ends)
    assert psutil.Process().children() == processes
    assert set(threading.enumerate()) <= threads  # those of earlier tests may end


@pytest.mark.parametrize("local_run", ["", '{"command": "run", "out": "out"}'])
def test_only_the_local_aws_tells_functions_how_the_run_was_started(tmp_path: Path, local_run: str) -> None:
    target = Target("us-east-1", "123456789012", "http://127.0.0.1:1", local_run=local_run)

    variables = worker_variables(FunctionConfig("f", "f.f", 3, 128), target, "stream", tmp_path)

    assert variables.get("LOCAL_RUN", "") == local_run
    assert ("LOCAL_RUN" in variables) is bool(local_run)


HOST_THAT_HANGS = f"""
import sys
from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost
host = FunctionHost(Target("us-east-1", "1", "http://127.0.0.1:1"), lambda *_: None)
host.register(FunctionConfig("f", "{HANDLERS}.spawn_and_wait", 60, 256))
host.invoke("f", {{"path": sys.argv[1]}})
"""


def test_workers_and_their_children_are_killed_with_a_killed_host(tmp_path: Path) -> None:
    pids, folders = tmp_path / "pids", tmp_path / "tmp"
    folders.mkdir()
    command = [sys.executable, "-c", HOST_THAT_HANGS, str(pids)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folders)}) as process:
        _wait_until(pids.exists)
        workers = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
        process.kill()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []
    assert list(folders.iterdir()) == []


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_a_result_is_the_json_of_the_handler(host: FunctionHost, function: Register) -> None:
    payload = json.loads('{"a": [1, 2.0, true, null, "\\ud83d\\ude00"]}')
    assert host.invoke(function("echo"), payload).payload == payload


def test_an_asynchronous_invocation_ends_before_a_flush_returns(
    host: FunctionHost, function: Register, tmp_path: Path
) -> None:
    name = function("kill_once")
    host.invoke_later(name, {"path": str(tmp_path / "called")})

    host.flush()

    assert (tmp_path / "called").exists()


def test_a_closed_host_accepts_no_asynchronous_invocation(host: FunctionHost, function: Register) -> None:
    name = function("echo")
    host.close()

    with pytest.raises(HostClosedError):
        host.invoke_later(name, {})


def test_a_prewarmed_sandbox_gets_the_first_invocation_and_there_are_no_more_than_the_limit(
    host: FunctionHost, function: Register
) -> None:
    name = function("pid")

    host.prewarm(name, 5)
    host.prewarm(name, 1)

    prewarmed = {sandbox.pid for sandbox in host._pools[name]._idle}
    assert len(prewarmed) == 2
    assert {host.invoke(name, {}).payload for _ in range(4)} < prewarmed


def test_a_closed_host_starts_no_sandbox_in_advance(host: FunctionHost, function: Register) -> None:
    name = function("pid")
    host.close()

    host.prewarm(name)

    assert host._pools[name]._count == 0


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("f", "$LATEST"),
        ("f:$LATEST", "$LATEST"),
        ("f:12", "12"),
        ("123456789012:function:f", "$LATEST"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:7", "7"),
    ],
)
def test_a_name_without_a_version_is_that_of_latest(name: str, version: str) -> None:
    assert version_of(name) == version


def test_a_published_version_keeps_its_variables_when_the_function_is_changed(host: FunctionHost) -> None:
    def config(value: str) -> FunctionConfig:
        return FunctionConfig("f", f"{HANDLERS}.variables", 10, 256, {"ALLOWED": value})

    def allowed(name: str) -> str:
        return str(host.invoke(name, {}).payload["ALLOWED"])

    arn = host.register(config("10.0.0.0/8"))
    host.publish("f", "1")
    assert (allowed("f"), allowed(f"{arn}:1")) == ("10.0.0.0/8", "10.0.0.0/8")

    host.register(config(""))
    host.publish("f", "2")

    assert (allowed("f"), allowed(f"{arn}:1"), allowed(f"{arn}:2")) == ("", "10.0.0.0/8", "")


def test_a_handler_knows_its_version_and_its_log_stream_names_it(host: FunctionHost, function: Register) -> None:
    name = function("about")
    host.publish(name, "3")

    result = host.invoke(f"{name}:3", {}, tail=True)

    assert result.payload["function_version"] == "3"
    assert result.payload["arn"].endswith(":function:about:3")
    assert "/[3]" in result.payload["stream"]
    assert b" Version: 3\n" in result.log_tail


def test_a_change_of_a_function_does_not_end_its_invocations(host: FunctionHost, tmp_path: Path) -> None:
    """The handler writes a file when it begins, and ends when the test deletes it."""
    file = tmp_path / "running"
    config = FunctionConfig("f", f"{HANDLERS}.wait_for_deletion", 30, 256)
    host.register(config)
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(host.invoke, "f", {"path": str(file)})
        _wait_until(file.exists)
        host.register(config)
        after = host.invoke("f", {"path": str(tmp_path / "missing")}).payload
        file.unlink()

    assert running.result().error is None
    assert running.result().payload != after
    assert host.invoke("f", {"path": str(tmp_path / "missing")}).payload == after


def test_a_deleted_version_is_not_found(host: FunctionHost, function: Register) -> None:
    name = function("echo")
    host.publish(name, "1")
    host.delete_version(name, "1")

    assert host.invoke(name, 1).payload == 1
    with pytest.raises(FunctionNotFoundError, match="function:echo:1"):
        host.invoke(f"{name}:1", {})


def test_the_newest_version_of_each_function_is_known(host: FunctionHost, function: Register) -> None:
    names = [function(name) for name in ("echo", "pid")]
    host.publish(names[0], "1")
    host.publish(names[0], "2")

    assert [each.qualified_name for each in host.newest()] == ["echo:2", "pid"]


def test_stopping_a_function_stops_its_versions(host: FunctionHost, function: Register) -> None:
    name = function("echo")
    host.publish(name, "1")
    host.stop(name)

    with pytest.raises(HostClosedError):
        host.invoke(f"{name}:1", {})
