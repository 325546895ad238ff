"""Lambda environments: what a handler sees, and what becomes of one that misbehaves."""

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

from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost, FunctionNotFoundError, HostClosedError, function_name
from tests.unit.local.conftest import HANDLERS, Lines

Register = Callable[..., str]


def test_a_handler_gets_the_payload_and_its_answer_comes_back(host: FunctionHost, function: Register) -> None:
    payload = {"text": "ünïcödé \u2028", "number": 1.5, "nothing": None}
    answer = host.invoke(function("echo"), payload)
    assert (answer.payload, answer.error) == (payload, None)


def test_a_payload_of_256_kib_passes_both_ways(host: FunctionHost, function: Register) -> None:
    payload = {"text": "x" * (256 * 1024)}
    assert host.invoke(function("echo"), payload).payload == payload


def test_a_warm_environment_is_used_again(host: FunctionHost, function: Register) -> None:
    name = function("count")
    assert [host.invoke(name, {}).payload for _ in range(3)] == [1, 2, 3]


def test_no_more_environments_run_than_the_limit_and_the_others_wait(host: FunctionHost, function: Register) -> None:
    name = function("pid")
    with ThreadPoolExecutor(8) as callers:
        pids = set(callers.map(lambda _: host.invoke(name, {}).payload, range(40)))
    assert 1 <= len(pids) <= 2


def test_what_a_handler_raises_is_answered_and_the_environment_kept(host: FunctionHost, function: Register) -> None:
    name = function("fail")
    answer = host.invoke(name, {})
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "ValueError"
    assert answer.payload["errorMessage"] == "no such manifest"
    assert answer.payload["stackTrace"][0].startswith('  File "')
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
def test_an_environment_that_ends_is_an_exit_error(
    host: FunctionHost, function: Register, handler: str, event: dict[str, int], message: str
) -> None:
    answer = host.invoke(function(handler), event)
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {message}", answer.payload["errorMessage"])


def test_after_a_kill_the_next_invocation_finds_a_new_environment(
    host: FunctionHost, function: Register, tmp_path: Path
) -> None:
    name, event = function("kill_once"), {"path": str(tmp_path / "seen")}
    assert host.invoke(name, event).error == "Unhandled"
    assert host.invoke(name, event).payload == "second"


def test_an_idle_environment_that_was_killed_is_not_used_again(host: FunctionHost, function: Register) -> None:
    name = function("pid")
    first = host.invoke(name, {}).payload
    os.kill(first, signal.SIGKILL)
    (idle,) = host._pools[name]._idle
    _wait_until(lambda: not idle.alive)
    second = host.invoke(name, {})
    assert second.error is None
    assert second.payload != first


def test_a_handler_that_takes_too_long_is_ended_at_its_timeout(host: FunctionHost, function: Register) -> None:
    host.invoke(function("echo"), {})
    started = time.monotonic()
    answer = host.invoke(function("wait", timeout=0.3), {})
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Error: Task timed out after 0.30 seconds")
    assert time.monotonic() - started < 5


def test_a_handler_that_outgrows_its_memory_is_ended(host: FunctionHost, function: Register) -> None:
    answer = host.invoke(function("eat", memory=128), {})
    assert answer.payload["errorType"] == "Runtime.OutOfMemory"
    assert "signal: killed" in answer.payload["errorMessage"]


def test_prints_do_not_garble_answers_and_become_log_lines(
    host: FunctionHost, function: Register, lines: Lines
) -> None:
    assert host.invoke(function("garble"), {}).payload == "answer"
    told = lines.until("REPORT")
    assert '{"payload": "forged", "error": null}' in told
    assert "to stderr" in told
    assert "from a child" in told


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


def test_the_log_tells_of_a_timeout_though_the_worker_could_not(
    host: FunctionHost, function: Register, lines: Lines
) -> None:
    host.invoke(function("wait", timeout=0.2), {})
    told = lines.until("REPORT")
    assert any("Task timed out after 0.20 seconds" in line for line in told)


def test_the_tail_of_the_log_comes_with_the_answer_when_asked_for(host: FunctionHost, function: Register) -> None:
    answer = host.invoke(function("garble"), {}, tail=True)
    assert answer.log_tail.startswith(b"START RequestId")
    assert f"REPORT RequestId: {answer.request_id}".encode() in answer.log_tail


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
def test_an_answer_that_lambda_would_refuse_is_refused(
    host: FunctionHost, function: Register, handler: str, error_type: str
) -> None:
    assert host.invoke(function(handler), {}).payload["errorType"] == error_type


def test_a_handler_sees_the_templates_variables_and_nothing_of_this_machine(
    host: FunctionHost, function: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("AWS_PROFILE", "production")
    seen = host.invoke(function("variables", variables={"INPUT_BUCKET": "input"}), {}).payload
    assert seen["INPUT_BUCKET"] == "input"
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "variables"
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not {"HTTPS_PROXY", "AWS_PROFILE", "HOME", "POWERTOOLS_DEV"} & set(seen)


def test_the_context_is_what_lambda_hands_over(host: FunctionHost, function: Register) -> None:
    answer = host.invoke(function("about", timeout=9), {})
    about = answer.payload
    assert 0 < about.pop("remaining") <= 9000
    assert about.pop("stream").startswith(time.strftime("%Y/%m/", time.gmtime()))
    assert about == {
        "function_name": "about",
        "function_version": "$LATEST",
        "memory": "256",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:about",
        "group": "/aws/lambda/about",
        "request_id": answer.request_id,
    }


def test_the_temporary_folder_of_an_environment_goes_with_it(host: FunctionHost, function: Register) -> None:
    folder = Path(host.invoke(function("variables"), {}).payload["TMPDIR"])
    assert folder.is_dir()
    host.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    "name",
    ["f", "f:$LATEST", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:7"],
)
def test_a_function_is_known_by_its_name_and_its_arns(name: str) -> None:
    assert function_name(name) == "f"


def test_an_unknown_function_is_refused(host: FunctionHost) -> None:
    with pytest.raises(FunctionNotFoundError, match="function:nobody"):
        host.invoke("nobody", {})


def test_closing_ends_invocations_and_leaves_no_process_and_no_thread(lines: Lines) -> None:
    threads, processes = set(threading.enumerate()), psutil.Process().children()
    host = FunctionHost(Target("us-east-1", "123456789012", "http://127.0.0.1:1"), lines, environments=2)
    host.register(FunctionConfig("wait", f"{HANDLERS}.wait", 60, 256))
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(host.invoke, "wait", {}) for _ in range(4)]
        lines.until("START")
        host.close()
        ends = [call.exception() or call.result().payload["errorType"] for call in calls]
    assert all(isinstance(end, HostClosedError) or end == "Runtime.ExitError" for end in ends)
    assert psutil.Process().children() == processes
    assert set(threading.enumerate()) == threads


HOST_THAT_HANGS = f"""
import sys
from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost
host = FunctionHost(Target("us-east-1", "1", "http://127.0.0.1:1"), lambda *_: None)
host.register(FunctionConfig("f", "{HANDLERS}.spawn_and_wait", 60, 256))
host.invoke("f", {{"path": sys.argv[1]}})
"""


def test_workers_and_their_children_end_with_a_host_that_was_killed(tmp_path: Path) -> None:
    told, folders = tmp_path / "pids", tmp_path / "tmp"
    folders.mkdir()
    command = [sys.executable, "-c", HOST_THAT_HANGS, str(told)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folders)}) as killed:
        _wait_until(told.exists)
        workers = [psutil.Process(int(pid)) for pid in told.read_text().split()]
        killed.kill()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []
    assert list(folders.iterdir()) == []


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_answers_are_json_as_the_handler_meant_it(host: FunctionHost, function: Register) -> None:
    payload = json.loads('{"a": [1, 2.0, true, null, "\\ud83d\\ude00"]}')
    assert host.invoke(function("echo"), payload).payload == payload


def test_an_event_is_worked_on_before_a_flush_returns(host: FunctionHost, function: Register, tmp_path: Path) -> None:
    name = function("kill_once")
    host.invoke_later(name, {"path": str(tmp_path / "called")})

    host.flush()

    assert (tmp_path / "called").exists()


def test_a_closed_host_takes_no_event(host: FunctionHost, function: Register) -> None:
    name = function("echo")
    host.close()

    with pytest.raises(HostClosedError):
        host.invoke_later(name, {})
