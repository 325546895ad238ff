"""Records of the fold of a long run."""

from typing import TypedDict

from functions.core.model.types.values import JsonObject


class FoldPlan(TypedDict):
    """The state of a run that is folded in groups of rows: `groups` are their numbers, `folder` that of their files.

    `status` is `folding`, `event` the one that SummarizeRun was invoked with. `rows` items of the manifest were read,
    or are known of a manifest that is not `readable`; `errors` say why there are no more.
    """

    status: str
    run_id: str
    event: JsonObject
    folder: str
    groups: list[int]
    rows: int
    readable: bool
    errors: list[str]
