"""The limits of hosts, from PrepareRun to the input of the batches."""

import json
import threading
from typing import Any

from functions.adapters.dynamodb_host_records import DynamoHostRecords
from functions.core.model.types import HostChange
from local.aws.cloud import Cloud
from tests.support.pipeline import FinishedRun, is_reconciled, mirror

NOW = 1_790_000_000.25
ONE_ROUND = {"rounds": "1", "host-concurrency": "1", "tolerated-failure-percentage": "100"}


def _manifest(hosts: int) -> str:
    """Two rows of each host. All are of addresses that are not public, so that each row fails without a request."""
    return "url\n" + "".join(f"http://10.0.0.{host}/{row}.png\n" for row in range(2) for host in range(1, hosts + 1))


def _record(run: FinishedRun) -> dict[str, Any]:
    table = run.cloud.outputs["RunsTable"]
    return dict(run.cloud.client("dynamodb").get_item(TableName=table, Key={"run_id": {"S": run.run_id}})["Item"])


def test_many_busy_hosts_are_in_a_file_of_the_run(cloud: Cloud) -> None:
    run = mirror(cloud, "hosts.csv", _manifest(21), ONE_ROUND)

    assert json.loads(run.file("hosts.json")) == {f"10.0.0.{host}": [1, 0.0] for host in range(1, 22)}
    assert is_reconciled(run.summary)
    assert run.summary["rows"] == 42


def test_the_run_of_one_host_has_the_batches_that_the_host_can_use(cloud: Cloud) -> None:
    rows = "url\n" + "".join(f"http://10.0.0.1/{row}.png\n" for row in range(50))

    run = mirror(cloud, "one.csv", rows, {**ONE_ROUND, "batch-size": "5"})

    record = _record(run)
    assert (record["max_concurrency"]["N"], record["requested_concurrency"]["N"]) == ("2", "2")
    assert "100 % of the rows are of the host 10.0.0.1, which gets at most 1 request at a time" in run.summary["note"]
    assert is_reconciled(run.summary)


def test_of_batches_that_take_places_at_once_each_place_has_one(cloud: Cloud) -> None:
    """The table of the local AWS: moto's own changes an item in several steps."""
    table = DynamoHostRecords(cloud.client("dynamodb"), cloud.outputs["HostsTable"])
    taken: list[int] = []

    def batch(number: int) -> None:
        for place in range(4):
            change = HostChange(now=NOW, taken={place: NOW + 105 + number})
            if table.change("places.example", change) is None:
                taken.append(place)

    threads = [threading.Thread(target=batch, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == [0, 1, 2, 3]
