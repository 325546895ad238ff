"""Metrics, phases, traces and log lines."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.core.download.rounds import Batch, RoundReport
from functions.core.model.errors import RowError
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind
from functions.core.model.reasons import Reason
from functions.telemetry.batches import log_round, measure_round, outcome_of
from functions.telemetry.metrics import emit
from functions.telemetry.names import Metric
from functions.telemetry.phases import Phase, Phases
from functions.telemetry.tracing import HEADER, parent_of, traced

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
BATCH = Batch(run={"id": "r1", "manifest": "manifests/a.csv", "options": {}}, items={}, first_row=1, round=1)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def failure(row: int, reason: Reason) -> Outcome:
    return Outcome(
        row, f"http://a.example/{row}", OutcomeKind.FAILED, failure=Failure.from_error(RowError(reason, "Why."))
    )


def stored(row: int, host: str, ms: int) -> Outcome:
    return Outcome(row, f"http://{host}/{row}", OutcomeKind.STORED, image={"bytes": 10, "ms": ms})


def test_all_measured_values_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    emit({Metric.STORED: [2], Metric.DOWNLOAD_TIME: [3, 5]})

    (line,) = lines(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ImageMirror"
    assert [sorted(names) for names in directive["Dimensions"]] == [["environment", "service"]]
    assert directive["Metrics"] == [
        {"Name": "ImagesStored", "Unit": "Count"},
        {"Name": "DownloadTime", "Unit": "Milliseconds"},
    ]
    assert (line["ImagesStored"], line["DownloadTime"]) == ([2], [3, 5])


def test_a_metric_has_a_hundred_values_a_line_and_none_is_written_twice(capsys: pytest.CaptureFixture[str]) -> None:
    emit({Metric.STORED: [250], Metric.UPLOAD_TIME: list(range(250))})

    written = lines(capsys)
    assert [len(line["UploadTime"]) for line in written] == [100, 100, 50]
    assert [line.get("ImagesStored") for line in written] == [[250], None, None]


def test_each_reason_is_a_line_with_its_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    emit({}, {"dns": 2, "tls": 1})

    assert [(line["reason"], line["ImagesFailedByReason"]) for line in lines(capsys)] == [("dns", [2]), ("tls", [1])]


def test_no_values_are_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    emit({})

    assert capsys.readouterr().out == ""


def test_a_round_is_measured_by_outcomes_reasons_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [
        stored(1, "a.example", 5),
        failure(2, Reason.DNS),
        Outcome(3, "http://a.example/3", OutcomeKind.SKIPPED),
    ]

    measure_round(BATCH, RoundReport(outcomes, 0, False, {}), Phases(), 30)

    counts, by_reason = lines(capsys)
    values = {metric: counts.get(metric.value) for metric in Metric}
    assert values == dict.fromkeys(Metric) | {
        Metric.STORED: [1],
        Metric.SKIPPED: [1],
        Metric.FAILED: [1],
        Metric.BYTES: [10],
        Metric.ROUNDS: [2],
        Metric.TIME_PER_IMAGE: [10.0],
        Metric.NOT_NOTIFIED: [1],
    }
    assert by_reason["reason"] == "dns"


def test_each_round_says_how_many_executions_the_account_allows(capsys: pytest.CaptureFixture[str]) -> None:
    """The alarm on the concurrency divides by it, so it has a value whenever batches run."""
    batch = replace(BATCH, run={**BATCH.run, "lambda_concurrency": 50})

    measure_round(batch, RoundReport([], 0, True, {}), Phases(), 30)

    (line,) = lines(capsys)
    assert line["LambdaConcurrency"] == [50]


def test_a_batch_that_waits_has_not_used_up_its_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    measure_round(BATCH, RoundReport([], 4, True, {}), Phases(), 30)

    (line,) = lines(capsys)
    assert line["RowsDeferred"] == [4]
    assert "Rounds" not in line


class FakeLogger:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, message: str, extra: dict[str, Any]) -> None:
        self.lines.append({"message": message, **extra})


def test_a_batch_logs_its_slowest_host_and_no_line_for_a_success() -> None:
    logger = FakeLogger()
    outcomes = [stored(1, "a.example", 5), stored(2, "slow.example", 80), stored(3, "slow.example", 100)]

    log_round(logger, BATCH, RoundReport(outcomes, 0, True, {}), 30)  # type: ignore[arg-type]

    (line,) = logger.lines
    assert (line["run_id"], line["manifest"], line["first_row"], line["round"]) == ("r1", "manifests/a.csv", 1, 1)
    assert (line["slowest_host"], line["slowest_host_images"], line["slowest_host_ms"]) == ("slow.example", 2, 90)


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        (RoundReport([stored(1, "a.example", 5)], 0, True, {}), "done"),
        (RoundReport([failure(1, Reason.DNS)], 0, True, {}), "failures"),
        (RoundReport([failure(1, Reason.DNS)], 2, True, {}), "deferred"),
    ],
)
def test_a_round_has_an_outcome_for_its_trace(report: RoundReport, outcome: str) -> None:
    assert outcome_of(report) == outcome


def test_a_phase_spans_the_calls_of_all_threads() -> None:
    phases, together = Phases(), threading.Barrier(3)

    def call() -> None:
        with phases.measure(Phase.DOWNLOAD):
            together.wait(5)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    span = phases.spans[Phase.DOWNLOAD]
    assert (span.calls, span.raised, len(span.milliseconds)) == (3, 0, 3)
    assert span.ended_at >= span.started_at


class Port:
    def put(self, name: str) -> str:
        if not name:
            raise ValueError("no name")
        return name.upper()


def test_a_timed_port_returns_and_raises_as_before() -> None:
    phases = Phases()
    port = phases.timed(Port(), put=Phase.STORE)

    assert port.put("a") == "A"
    with pytest.raises(ValueError, match="no name"):
        port.put("")

    assert (phases.spans[Phase.STORE].calls, phases.spans[Phase.STORE].raised) == (2, 1)
    assert len(phases.milliseconds(Phase.STORE)) == 1
    assert phases.milliseconds(Phase.NOTIFY) == []


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        address = "{}:{}".format(*listener.getsockname())
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"tcp:127.0.0.1:1 udp:{address}")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
        yield listener


def received(daemon: socket.socket) -> dict[str, Any]:
    datagram = daemon.recv(65_536)
    assert datagram.startswith(HEADER)
    document: dict[str, Any] = json.loads(datagram.removeprefix(HEADER))
    return document


def test_an_invocation_is_a_subsegment_of_lambdas_with_a_part_for_each_phase(daemon: socket.socket) -> None:
    phases = Phases()
    with traced("DownloadBatch", phases) as trace:
        trace.run_id, trace.outcome = "r1", "done"
        for phase in Phase:
            with phases.measure(phase):
                pass

    document = received(daemon)

    assert (document["trace_id"], document["parent_id"]) == (
        "1-5759e988-bd862e3fe1be46a994272793",
        "53995c3f42cd8ad8",
    )
    assert (document["type"], document["name"]) == ("subsegment", "DownloadBatch")
    assert document["annotations"] == {"run_id": "r1", "outcome": "done"}
    assert document["start_time"] <= document["end_time"]
    assert [part["name"] for part in document["subsegments"]] == ["look up", "download", "store", "record", "notify"]
    assert len({document["id"], *(part["id"] for part in document["subsegments"])}) == 6


def test_an_exception_is_recorded_by_its_class_only(daemon: socket.socket) -> None:
    def fail() -> None:
        with traced("PrepareRun") as trace:
            trace.run_id = "r1"
            raise RuntimeError("https://user:secret@a.example/")

    with pytest.raises(RuntimeError):
        fail()

    document = received(daemon)

    assert document["fault"] is True
    assert document["annotations"] == {"run_id": "r1", "outcome": "error"}
    assert document["cause"]["exceptions"][0]["type"] == "RuntimeError"
    assert "secret" not in str(document)


@pytest.mark.parametrize("daemon", ["", "127.0.0.1:1", "nowhere", "[::1]:2000", "no-such-host.invalid:2000"])
def test_without_a_daemon_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, daemon: str) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", daemon)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)

    with traced("PrepareRun"):
        pass


@pytest.mark.parametrize("header", ["", "Root=1-a-b", TRACE.replace("Sampled=1", "Sampled=0"), "Sampled=1", ";;="])
def test_an_invocation_that_is_not_sampled_has_no_parent(header: str) -> None:
    assert parent_of(header) == {}


def test_other_fields_of_a_header_are_ignored() -> None:
    assert parent_of(f"{TRACE};Lineage=a87bd80c:0|68fd508a:5")["parent_id"] == "53995c3f42cd8ad8"


def test_a_probe_stores_no_image_and_no_byte(capsys: pytest.CaptureFixture[str]) -> None:
    batch = replace(BATCH, run={**BATCH.run, "options": {"probe": 300}})

    measure_round(batch, RoundReport([stored(1, "a.example", 5), failure(2, Reason.DNS)], 0, True, {}), Phases(), 30)

    counts, _ = lines(capsys)
    assert Metric.STORED.value not in counts
    assert Metric.BYTES.value not in counts
    assert counts[Metric.FAILED.value] == [1]
