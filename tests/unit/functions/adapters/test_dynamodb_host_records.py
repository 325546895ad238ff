"""The records of hosts in moto: places that are taken and given back on conditions, and cool-downs."""

from random import Random
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.dynamodb_host_records import DynamoHostRecords
from functions.core.model.errors import TableFault
from functions.core.model.types import CoolDown, HostChange, HostRecord
from tests.support.hosts import FakeHostRecords

HOST = "a.example:8080"
NOW = 1_790_000_000.25
UNTIL = 1_790_000_105.250001
OPEN = CoolDown(1_790_000_030.5, 3, 2.5)


@pytest.fixture
def table(dynamodb: Any) -> DynamoHostRecords:
    return DynamoHostRecords(dynamodb, "hosts")


def taking(*places: int, now: float = NOW, until: float = UNTIL) -> HostChange:
    return HostChange(now=now, taken=dict.fromkeys(places, until))


def test_places_are_taken_once(table: DynamoHostRecords) -> None:
    assert table.change(HOST, taking(0, 3)) is None
    assert table.change(HOST, taking(3, 4, until=UNTIL + 1)) == HostRecord({0: UNTIL, 3: UNTIL})
    assert table.records([HOST, "b.example"]) == {HOST: HostRecord({0: UNTIL, 3: UNTIL})}


def test_a_place_whose_lease_has_ended_is_free(table: DynamoHostRecords) -> None:
    table.change(HOST, taking(0))

    assert table.change(HOST, taking(0, now=UNTIL)) is not None
    assert table.change(HOST, taking(0, now=UNTIL + 0.001, until=UNTIL + 105)) is None


def test_places_are_given_back_and_the_rest_of_the_record_stays(table: DynamoHostRecords) -> None:
    table.change(HOST, taking(0, 1))
    table.change(HOST, taking(2))

    assert table.change(HOST, HostChange(now=NOW, returned={0: UNTIL, 1: UNTIL})) is None
    assert table.records([HOST])[HOST].leases == {2: UNTIL}


def test_a_place_that_another_batch_has_taken_is_not_given_back(table: DynamoHostRecords) -> None:
    table.change(HOST, taking(0, 1))
    table.change(HOST, taking(0, now=UNTIL + 1, until=UNTIL + 106))

    assert table.change(HOST, HostChange(now=NOW, returned={0: UNTIL, 1: UNTIL})) == HostRecord(
        {0: UNTIL + 106, 1: UNTIL}
    )


def test_a_record_that_is_lost_is_not_made_again_by_giving_back(table: DynamoHostRecords, dynamodb: Any) -> None:
    assert table.change(HOST, HostChange(now=NOW, returned={0: UNTIL})) == HostRecord()
    assert dynamodb.scan(TableName="hosts")["Items"] == []


def test_a_cool_down_replaces_the_one_that_was_seen(table: DynamoHostRecords) -> None:
    assert table.change(HOST, HostChange(now=NOW, cool_down=OPEN)) is None
    later = CoolDown(OPEN.not_before + 9, 4, 1.0)

    assert table.change(HOST, HostChange(now=NOW, cool_down=later)) == HostRecord({}, OPEN)
    assert table.change(HOST, HostChange(now=NOW, cool_down=later, seen=OPEN)) is None
    assert table.records([HOST])[HOST].cool_down == later


def test_one_change_takes_gives_back_and_waits(table: DynamoHostRecords, dynamodb: Any) -> None:
    table.change(HOST, taking(0))
    change = HostChange(now=NOW, taken={1: UNTIL}, returned={0: UNTIL}, cool_down=OPEN)

    assert table.change(HOST, change) is None
    (item,) = dynamodb.scan(TableName="hosts")["Items"]
    assert item == {
        "host": {"S": "a.example:8080#limit"},
        "p1": {"N": "1790000105.250001"},
        "not_before": {"N": "1790000030.5"},
        "refusals": {"N": "3"},
        "rate": {"N": "2.5"},
        "expires_at": {"N": str(1_790_000_030 + 86_400)},
    }


def test_more_than_100_records_are_read(table: DynamoHostRecords) -> None:
    hosts = [f"host-{number}.example" for number in range(101)]
    for host in hosts:
        table.change(host, HostChange(now=NOW, cool_down=OPEN))

    assert set(table.records(hosts)) == set(hosts)


@pytest.mark.parametrize("seed", range(10))
def test_the_table_of_the_simulations_does_the_same(seed: int, table: DynamoHostRecords) -> None:
    random, fake, now = Random(seed), FakeHostRecords(), NOW
    known = HostRecord()
    for _ in range(40):
        now = round(now + random.choice((1.0, 30.0, 200.0)), 6)
        some = random.sample(range(4), random.randint(0, 2))
        if random.random() < 0.5:
            change = HostChange(now=now, taken=dict.fromkeys(some or [0], round(now + 105, 6)))
        else:
            returned = {place: end for place, end in known.leases.items() if place in some}
            cool_down = CoolDown(round(now + 5, 6), random.randint(0, 3), 1.5)
            change = HostChange(now=now, returned=returned, cool_down=cool_down, seen=known.cool_down)
        assert table.change(HOST, change) == fake.change(HOST, change)
        if random.random() < 0.8:
            known = table.records([HOST])[HOST]
        assert table.records([HOST]) == fake.records([HOST])


@pytest.mark.parametrize("operation", ["records", "change"])
def test_an_error_of_dynamodb_is_a_fault(operation: str, dynamodb: Any) -> None:
    with Stubber(dynamodb) as stubber:
        stubber.add_client_error("batch_get_item" if operation == "records" else "update_item", "ThrottlingException")
        table = DynamoHostRecords(dynamodb, "hosts")

        with pytest.raises(TableFault, match="ThrottlingException"):
            _ = table.records([HOST]) if operation == "records" else table.change(HOST, taking(0))


def test_a_read_that_dynamodb_left_out_is_left_out(dynamodb: Any) -> None:
    keys = [{"host": {"S": f"{HOST}#limit"}}]
    with Stubber(dynamodb) as stubber:
        stubber.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": {"hosts": {"Keys": keys}}})

        assert DynamoHostRecords(dynamodb, "hosts").records([HOST]) == {}


@pytest.mark.parametrize("attribute", [{"S": "text"}, {"BOOL": True}])
def test_an_item_of_another_form_is_a_fault(attribute: dict[str, Any], table: DynamoHostRecords, dynamodb: Any) -> None:
    dynamodb.put_item(TableName="hosts", Item={"host": {"S": f"{HOST}#limit"}, "p0": attribute})

    with pytest.raises(TableFault, match="another form"):
        table.records([HOST])


def test_a_number_that_a_later_version_adds_is_ignored(table: DynamoHostRecords, dynamodb: Any) -> None:
    dynamodb.put_item(TableName="hosts", Item={"host": {"S": f"{HOST}#limit"}, "p0": {"N": "7"}, "news": {"N": "1"}})

    assert table.records([HOST]) == {HOST: HostRecord({0: 7.0})}
