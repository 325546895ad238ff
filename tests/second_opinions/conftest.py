"""The programs as fixtures, and the table at the end of the run.

A check that asks for `bucket` or `tables` runs once for each program that has that service.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest

from functions.adapters import clients
from functions.adapters.s3 import presigned_links as s3_presigned_links
from tests.second_opinions import programs
from tests.second_opinions.differences import DIFFERENCES
from tests.second_opinions.programs import Service
from tests.second_opinions.report import Report, Result, with_results

PAGE = programs.ROOT / "docs" / "second-opinions.md"

S3_PROGRAMS = ("SeaweedFS", "ministack", "local AWS")
TABLE_PROGRAMS = ("dynalite", "ministack", "local AWS")

KEYS = {"images": ["url"], "runs": ["run_id", "kind", "started_at"]}
"""Key attributes of each table and its index. The first one is the partition key of the table."""

INDEXES = {
    "runs": [
        {
            "IndexName": "newest",
            "KeySchema": [
                {"AttributeName": "kind", "KeyType": "HASH"},
                {"AttributeName": "started_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
}

MAX_REASON = 200
"""Longest message of a failure in the table, in characters."""

_report = pytest.StashKey[Report]()


# Programs


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with programs.seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as service:
        yield service


@pytest.fixture(scope="session")
def dynalite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with programs.dynalite(tmp_path_factory.mktemp("dynalite")) as service:
        yield service


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with programs.ministack(tmp_path_factory.mktemp("ministack")) as service:
        yield service


@pytest.fixture(scope="session")
def local_aws() -> Iterator[Service]:
    with programs.local_aws() as service:
        yield service


@pytest.fixture
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The program in the parameter. The clients of the functions are those of a new Lambda environment."""
    running: Service = request.getfixturevalue(request.param.lower().replace(" ", "_"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**running.variables, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    _forget_clients()
    yield running
    _forget_clients()


def _forget_clients() -> None:
    cached: Any
    for cached in (clients.client, clients._session, s3_presigned_links.signer):
        cached.cache_clear()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in (("bucket", S3_PROGRAMS), ("tables", TABLE_PROGRAMS)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize("service", names, indirect=True)


@dataclass(frozen=True)
class Bucket:
    """A new bucket. `client` is boto3's own, and every check compares with what it reads or writes."""

    name: str
    client: Any

    def keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [listed["Key"] for page in pages for listed in page.get("Contents", [])]

    def body(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def head(self, key: str) -> dict[str, Any]:
        """What S3 says about the object, without what differs between two requests."""
        head: dict[str, Any] = self.client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        return {name: value for name, value in head.items() if name not in ("ResponseMetadata", "LastModified")}


@pytest.fixture
def bucket(service: Service) -> Iterator[Bucket]:
    with closing(service.client("s3")) as client:
        name = f"images-{uuid4()}"
        client.create_bucket(Bucket=name)
        yield Bucket(name, client)


@dataclass(frozen=True)
class Tables:
    """Two empty tables with the keys of the stack's."""

    client: Any
    images: str
    runs: str


@pytest.fixture
def tables(service: Service) -> Iterator[Tables]:
    with closing(service.client("dynamodb")) as client:
        names = service.tables or (f"images-{uuid4()}", f"runs-{uuid4()}")
        for (name, keys), table in zip(KEYS.items(), names, strict=True):
            if service.tables:
                _empty(client, table, keys[0])
            else:
                _create(client, table, keys, INDEXES.get(name, []))
        yield Tables(client, *names)


def _empty(client: Any, table: str, key: str) -> None:
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            client.delete_item(TableName=table, Key={key: item[key]})


def _create(client: Any, table: str, keys: Sequence[str], indexes: Sequence[Mapping[str, Any]]) -> None:
    client.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": keys[0], "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})


# Results


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help=f"write the table of results into {PAGE.name}")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_report] = Report(programs.versions())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = DIFFERENCES.get((_program(item), item.originalname)) if isinstance(item, pytest.Function) else None
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _program(item: pytest.Function) -> str:
    return str(item.callspec.params["service"]) if hasattr(item, "callspec") else "ministack"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    outcome = yield
    if isinstance(item, pytest.Function) and (call.when == "call" or not outcome.passed):
        check = item.originalname.removeprefix("test_").replace("_", " ")
        item.config.stash[_report].add(_title(item), check, _program(item), _result(outcome))
    return outcome


def _title(item: pytest.Function) -> str:
    """What the docstring of the module begins with."""
    return str(item.module.__doc__).partition(":")[0].partition(",")[0]


def _result(outcome: pytest.TestReport) -> Result:
    if hasattr(outcome, "wasxfail") and outcome.skipped:
        return Result("differs", outcome.wasxfail.removeprefix("reason: "))
    if outcome.skipped:
        assert isinstance(outcome.longrepr, tuple)
        return Result("skipped", outcome.longrepr[2].removeprefix("Skipped: "))
    return Result("passed") if outcome.passed else Result("FAILED", _last_line(outcome))


def _last_line(outcome: pytest.TestReport) -> str:
    crash = getattr(outcome.longrepr, "reprcrash", None)
    return str(crash.message if crash else outcome.longrepr).splitlines()[0][:MAX_REASON]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = list(config.stash[_report].lines())
    terminalreporter.section("Second opinions")
    for line in lines:
        terminalreporter.write_line(line)
    if config.getoption("record"):
        PAGE.write_text(with_results(PAGE.read_text(), lines))
