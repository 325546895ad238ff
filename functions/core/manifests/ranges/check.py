"""The check of a manifest that is too large for one invocation: by ranges, of which each is read by another one.

`plan` reads the first rows, which decide what the columns are, `check` a range, and `join` adds up what was counted in
all of them. What comes out is the same as if one invocation had read the whole manifest.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import cast

from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.formats import Format, LinesCheck
from functions.core.manifests.ranges.boundaries import find_boundary
from functions.core.manifests.ranges.tally import Layout, Tally
from functions.core.manifests.streams import first_bytes
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import CheckFiles, Manifests
from functions.core.model.rows import RowRules
from functions.core.model.runs import ManifestObject
from functions.core.model.types import RangePlan

FOLDER = "check"
"""The folder of the files of a check, in the folder of its run."""

PLAN_FILE = f"{FOLDER}/plan.jsonl"

FIRST_BYTES = 8 * 1024 * 1024
"""Size of the beginning that is read before the ranges, in bytes; twice as much as often as the first rows need."""

MAX_FIRST_BYTES = 256 * 1024 * 1024
"""Size of the beginning above which no more is read. 500 rows have 90 MB at most, so only odd manifests reach it: of
which each line may be read in two ways, or nearly all have errors."""

MAX_RANGES = 400
"""The list of the ranges is the input of an inline Map, whose iterations have 7 of the 25,000 events of an execution;
its groups and passes may have 17,800."""


class RangeCheck:
    """The check of one version of a manifest, by the rules of its run. `form` is a format with a check of lines.

    The files are those of the run: the results of an invocation that is repeated are the same.
    """

    def __init__(
        self, manifests: Manifests, manifest: ManifestObject, files: CheckFiles, form: Format, rules: RowRules
    ) -> None:
        assert form.check is not None
        self._manifests = manifests
        self._manifest = manifest
        self._files = files
        self._new_check = form.check
        self._rules = rules

    def plan(self, range_bytes: int) -> ManifestContents | list[int] | None:
        """The numbers of the ranges, or the contents if the first rows are all. None if it has no ranges, because the
        first rows decide nothing.

        Raises InvalidManifest, ManifestGoneError, StorageFault.
        """
        first = self._first_rows()
        if first is None:
            return None
        check, end = first
        check.close()
        layout, size = check.layout, self._manifest.size
        if end == size or layout is None:
            return check.contents()
        offsets = list(range(end, size, max(1, range_bytes, -(-size // MAX_RANGES))))
        plan: RangePlan = {
            "names": list(layout.names),
            "url_column": layout.url_column,
            "offsets": offsets,
            "tally": check.tally.as_json(),
        }
        self._files.write(PLAN_FILE, [plan])
        return list(range(len(offsets)))

    def check(self, number: int) -> None:
        """Reads a range and writes what was counted in it: nothing if its validation has ended early, because of an
        error whose message depends on the rows before. Raises ManifestGoneError, StorageFault."""
        tally = Tally(partial=True)
        try:
            self._read_range(number, tally)
            found = tally.as_json()
        except InvalidManifest:
            found = {}
        self._files.write(_file(number), [found])

    def join(self) -> ManifestContents:
        """A range whose validation may end early is read again, as it follows the rows before.

        Raises InvalidManifest, ManifestGoneError, StorageFault.
        """
        tally = Tally.from_json(self._plan["tally"])
        for number in range(len(self._plan["offsets"])):
            [found] = self._files.read_lines(_file(number))
            following = Tally.from_json(found) if found else None
            if following is None or tally.may_end_in(following):
                self._read_range(number, tally)
            else:
                tally.merge(following)
        return self._new_check(self._rules, self._layout, tally).contents()

    @cached_property
    def _plan(self) -> RangePlan:
        [plan] = self._files.read_lines(PLAN_FILE)
        return cast(RangePlan, plan)

    @property
    def _layout(self) -> Layout:
        return Layout(tuple(self._plan["names"]), self._plan["url_column"])

    def _first_rows(self) -> tuple[LinesCheck, int] | None:
        """The check of so many rows that they decide what the columns are, or of all rows, and the end of these."""
        size = FIRST_BYTES
        while size <= MAX_FIRST_BYTES:
            check = self._new_check(self._rules, None, None)
            end = self._boundary(size) if size < self._manifest.size else self._manifest.size
            if end is not None:
                check.read(self._chunks(0, end))
                if end == self._manifest.size or check.layout is not None:
                    return check, end
            size *= 2
        return None

    def _read_range(self, number: int, tally: Tally) -> None:
        start, end = self._start(number), self._start(number + 1)
        if start < end:
            check = self._new_check(self._rules, self._layout, tally)
            check.read(self._chunks(start, end), start=start)
            check.close()

    def _start(self, number: int) -> int:
        """Where the first row of a range begins; the end of the manifest after the last range."""
        first, *others = self._plan["offsets"]
        if number == 0:
            return first
        found = (self._boundary(offset) for offset in others[number - 1 :])
        return next((start for start in found if start is not None), self._manifest.size)

    def _boundary(self, offset: int) -> int | None:
        delimiter = self._new_check(self._rules, None, None).delimiter
        length = find_boundary(self._read(offset), delimiter)
        return None if length is None else offset + length

    def _chunks(self, start: int, end: int) -> Iterator[bytes]:
        return first_bytes(self._read(start), end - start)

    def _read(self, start: int) -> Iterator[bytes]:
        manifest = self._manifest
        return self._manifests.read(manifest.bucket, manifest.key, manifest.etag, start, manifest.version_id)


def _file(number: int) -> str:
    return f"{FOLDER}/range-{number:04d}.jsonl"
