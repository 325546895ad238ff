"""Many threads fill small shards, and random uploads fail: in the end each row is stored once, and points at its bytes.

SEED repeats the random faults of a test, FAULTS=50 tries more of them.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from functions.core.model.errors import InfrastructureError, RowError, StorageFault
from functions.core.model.ports import ShardUpload
from functions.core.model.reasons import Reason
from tests.support.images import png
from tests.support.shards import ShardWorld

SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
FAULTS = int(os.environ.get("FAULTS", "3"))
URLS = [f"http://{number % 50}.example/{number}.png" for number in range(300)]


def faults(rng: random.Random) -> Iterator[Exception | None]:
    while True:
        draw = rng.random()
        yield (
            RowError(Reason.STORAGE, "S3 PutObject failed (503).")
            if draw < 0.05
            else (StorageFault("S3 PutObject failed.") if draw < 0.07 else None)
        )


@pytest.mark.parametrize("number", range(FAULTS))
def test_each_row_is_stored_once_however_uploads_fail(number: int) -> None:
    print(f"SEED={SEED + number}")  # noqa: T201
    rng = random.Random(SEED + number)
    answers = {url: png(note=bytes(rng.randrange(9000))) for url in URLS}
    world = ShardWorld(answers, 30_000, concurrency=24, per_host=8)
    put_shard, next_faults = world.store.put_shard, faults(rng)

    def put_or_fail(upload: ShardUpload) -> bool:
        fault = next(next_faults)
        if fault is not None:
            raise fault
        return put_shard(upload)

    world.store.put_shard = put_or_fail  # type: ignore[method-assign]
    numbered: dict[int, object] = dict(enumerate([*URLS, *URLS[:30]], start=1))
    kinds: dict[int, str] = {}
    pending, round_number = numbered, 0
    while pending:
        try:
            result = world.run_rows(pending, round_number=round_number)
        except InfrastructureError:
            continue  # the workflow repeats the round
        kinds |= {outcome.row: outcome.kind.value for outcome in result.outcomes}
        pending = {row.number: numbered[row.number] for row in result.deferred}
        world.check(*[result] if result.outcomes else [])
        round_number += 1

    assert Counter(kinds.values()) == {"stored": 300, "duplicate": 30}
    assert len(world.table.rows) == 300
