"""The documents of a long run: groups of its rows are read by one invocation each, and joined by a last one.

Each group has a lock manifest of its own. `results.csv` is for runs that a spreadsheet can open.
"""

import json
from collections import Counter
from contextlib import ExitStack
from typing import Any, cast

from functions.core.model.errors import BooksFault
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import IndexFiles
from functions.core.model.types import FoldPlan, RunRecord
from functions.core.summary.fold.group_outcomes import GroupOutcomes
from functions.core.summary.fold.groups import Group
from functions.core.summary.fold.plan import FOLDER, FoldFiles, items_of, plan_fold
from functions.core.summary.index.croissant import Croissant
from functions.core.summary.index.domains import Domains
from functions.core.summary.index.lock import LockManifest
from functions.core.summary.index.rows import Document, IndexedRows
from functions.core.summary.manifest_items import ManifestItems

DOCUMENT_ROWS = 1_000_000
"""Rows of a group: 80 seconds, and a file of the lock. A run that has no more is read by one invocation."""

FILES = FoldFiles(f"{FOLDER}/index")


class GroupedDocuments:
    """All methods raise StorageFault."""

    def __init__(self, files: IndexFiles, record: RunRecord, *, with_parquet: bool) -> None:
        self._files = files
        self._record = record
        self._with_parquet = with_parquet

    def plan(self, items: ManifestItems, rows: int) -> list[int]:
        """The numbers of the groups of `rows` rows. The manifest is read once."""
        plan = plan_fold(self._files, items, self._record, FILES, rows)
        self._files.write(FILES.plan, [cast(Any, plan)])
        return plan["groups"]

    def write(self, number: int) -> None:
        """Writes the lock of a group, its rows that no part has, and its counts. Raises BooksFault."""
        plan = cast(FoldPlan, self._files.read_lines(FILES.plan)[0])
        group = Group.from_json(self._files.read_lines(FILES.groups)[number])
        domains, croissant = Domains(), Croissant(self._record)
        with ExitStack() as stack:
            documents: list[Document] = [domains, croissant]
            if plan["readable"]:
                lock = stack.enter_context(LockManifest(self._record, group=number))
                documents.append(lock)
            rows = stack.enter_context(IndexedRows(self._record, documents, with_parquet=self._with_parquet))
            items = items_of(self._files, self._record, plan, group)
            rows.add_all(GroupOutcomes(self._files, group), items, group.first_row)
            missing = rows.missing.rows if rows.missing else 0
            if missing:
                rows.write_missing(self._files, f"index/part-without-outcome-{number + 1:04d}.parquet")
            if plan["readable"]:
                lock.write(self._files)
            counts = {"outcomes": rows.outcomes, "missing": missing}
            partial = {"counts": counts, "domains": domains.as_json(), "croissant": croissant.as_json()}
            self._files.write(FILES.partial(group), [partial])

    def join(self, indexed: int | None) -> int:
        """Writes the documents of all groups, and returns the number of rows. Raises BooksFault if they are not those
        of the summary, and of the index, whose parts have `indexed` rows."""
        domains, croissant = Domains(), Croissant(self._record)
        outcomes: Counter[str] = Counter()
        missing = 0
        for value in self._files.read_lines(FILES.groups):
            partial = cast(Any, self._files.read_lines(FILES.partial(Group.from_json(value)))[0])
            outcomes.update(partial["counts"]["outcomes"])
            missing += partial["counts"]["missing"]
            domains.merge(partial["domains"])
            croissant.merge(partial["croissant"])
        has_index = self._with_parquet and indexed is not None
        check_index(self._record, outcomes, (indexed or 0) + missing if has_index else None)
        domains.write(self._files)
        croissant.write(self._files)
        self._files.keep_only(FILES.folder, ())
        return outcomes.total()


def check_index(record: RunRecord, outcomes: Counter[str], indexed: int | None) -> None:
    """Raises BooksFault unless the summary has the same rows, and the index, if it was written, all of them."""
    expected = Counter({kind.value: int(record.get(kind.value, 0)) for kind in OutcomeKind})  # type: ignore[call-overload]
    if +outcomes != +expected:
        raise BooksFault(f"The summary has {json.dumps(+expected)}, but the results are {json.dumps(+outcomes)}.")
    if indexed is not None and indexed != outcomes.total():
        raise BooksFault(f"The run has {outcomes.total()} rows, but the index has {indexed}.")
