"""robots.txt through the whole pipeline: the results, the requests, and the records of the hosts table."""

import time
from typing import Any

import pytest

from functions.core.web.robots.rules import RobotsRules
from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.pipeline import mirror
from tests.support.site import Answer, Site

DISALLOW = b"User-agent: *\nDisallow: /private/\n"


@pytest.fixture
def site(site: Site) -> Site:
    for number in range(30):
        site.put(f"/{number}.png", png(note=f"{number}".encode()))
    site.put("/private/1.png", png())
    return site


def manifest(site: Site) -> str:
    return "".join(f"{site.url}/{path}.png\n" for path in (*range(30), "private/1"))


def record_of(cloud: Cloud, site: Site) -> dict[str, Any]:
    key = {"host": {"S": f"{site.url}#robots"}}
    item: dict[str, Any] = cloud.client("dynamodb").get_item(TableName=cloud.outputs["HostsTable"], Key=key)["Item"]
    return item


def test_a_disallowed_row_fails_and_the_fleet_requests_the_file_once(cloud: Cloud, site: Site) -> None:
    site.put("/robots.txt", DISALLOW)

    run = mirror(cloud, "robots.txt", manifest(site), {"batch-size": "5"})

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (30, {"robots": 1})
    (failure,) = run.failures()
    assert failure["message"] == f"{site.url}/robots.txt disallows this URL, in line 2: Disallow: /private/"
    assert run.summary["retry_manifest"] is None
    assert (site.asked["/robots.txt"], site.asked["/private/1.png"]) == (1, 0)
    item = record_of(cloud, site)
    assert item["state"] == {"S": "rules"}
    assert 86_000 < int(item["expires_at"]["N"]) - time.time() <= 86_400


def test_the_rules_of_another_environment_are_used(cloud: Cloud, site: Site) -> None:
    item = {
        "host": {"S": f"{site.url}#robots"},
        "state": {"S": "rules"},
        "expires_at": {"N": str(int(time.time()) + 600)},
        "content": {"B": RobotsRules.parse(DISALLOW, "image-mirror").encoded()},
    }
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["HostsTable"], Item=item)

    run = mirror(cloud, "known.txt", manifest(site))

    assert run.summary["failures_by_reason"] == {"robots": 1}
    assert site.asked["/robots.txt"] == 0


def test_what_is_only_recorded_is_in_the_results(cloud: Cloud, site: Site) -> None:
    site.put("/robots.txt", DISALLOW)

    run = mirror(cloud, "record.txt", manifest(site), {"robots": "record"})

    assert run.summary["stored"] == 31
    assert {row: line["signals"] for row, line in run.outcomes().items() if "signals" in line} == {
        31: {"robots.txt": [f"{site.url}/robots.txt disallows this URL, in line 2: Disallow: /private/"]}
    }


def test_a_file_that_cannot_be_read_at_first_delays_its_rows(cloud: Cloud, site: Site) -> None:
    site.put("/robots.txt", Answer(status=503, headers={"Retry-After": "1"}), DISALLOW)

    run = mirror(cloud, "later.txt", manifest(site))

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (30, {"robots": 1})
    assert site.asked["/robots.txt"] == 2
