"""Records of the state machine that makes the index of a run."""

from typing import TypedDict

from functions.core.model.types.workflow import CaughtError


class IndexGroup(TypedDict):
    """A group whose file is written: its number of rows."""

    rows: int


class IndexPlan(TypedDict):
    """The state: the numbers of the groups of rows, and the groups that are written; `failure` is what was caught."""

    run_id: str
    groups: list[int]
    written: list[IndexGroup]
    failure: CaughtError | None
