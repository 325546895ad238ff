"""What the index of a run costs: the time and the states of IndexRun. Its reads of the results are in `PART_READS`."""

import math

ROW_SECONDS = 97e-6
"""Time for a row, in seconds: 17 µs to write its group and 80 µs to publish it (docs/adr/0032-index.md)."""

START_SECONDS = 6.0
"""Duration of its three invocations without rows, in seconds: cold starts that load pyarrow. An assumption."""

MEMORY_MB = 1769
GROUP_ROWS = 100_000

STATES = 5
"""State transitions without groups: PlanIndex, IndexRows, PublishRun, IndexOutcome, Indexed."""

PART_READS = 2
"""How often the index reads the results of a batch."""


def index_gb_seconds(rows: int) -> float:
    return (START_SECONDS + rows * ROW_SECONDS) * MEMORY_MB / 1024


def index_states(rows: int) -> int:
    return STATES + math.ceil(rows / GROUP_ROWS)
