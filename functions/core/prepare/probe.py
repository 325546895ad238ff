"""The sample of a probe: rows of the manifest, which the Map reads from a copy as it reads those of a run."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from functions.core.manifests.detection import decompressed, format_from_name
from functions.core.manifests.formats import Format
from functions.core.manifests.hosts import HostCounts
from functions.core.manifests.streams import first_bytes
from functions.core.manifests.validation import ValidatedManifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.options import MAX_SEED, Options
from functions.core.model.ports import Manifests
from functions.core.model.rows import RowRules
from functions.core.model.runs import ManifestObject
from functions.core.model.types import SampleDesign
from functions.core.prepare.sampling import OTHERS, Sample, allocate, draw

ROW_COLUMN = "manifest_row"
"""Column of a row of the sample that has its number in the manifest, so that the reports have it."""

PIECE_COUNT, PIECE_BYTES = 2000, 32 * 1024
"""A manifest that is not read whole is read in so many pieces of so many bytes, at random positions. Of a few hundred
rows, hardly two are of one piece, whose rows may be of one host. S3 takes about 50 ms for a piece."""

WHOLE, PIECES, BEGINNING = "whole", "pieces", "beginning"
"""Values of `read` of a SampleDesign."""

PARQUET_NOT_READ = (
    "A probe reads the rows of the manifest, and those of Parquet are read by Step Functions alone. Use the command "
    "`./image-mirror probe`, which reads them on your machine, or write the manifest as JSON Lines."
)


@dataclass(frozen=True, slots=True)
class ListSample:
    """The rows of a probe as `items`, and `design`, which says how they were drawn. `hosts` counts the rows."""

    items: list[object]
    design: SampleDesign
    hosts: HostCounts

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the items have in addition to those of the manifest."""
        return (ROW_COLUMN,) if self.design["read"] != PIECES else ()

    def note(self, key: str) -> str:
        """A sentence for the report of the run."""
        rows, drawn = self.design["rows"], len(self.items)
        about = "" if self.design["read"] == WHOLE else "about "
        numbers = f"; {ROW_COLUMN} is the number in the manifest" if self.columns else ""
        return (
            f"This is a probe: {drawn:,} of {about}{rows:,} rows were drawn at random (seed {self.design['seed']}) and "
            f"copied to {key}, where they are numbered{numbers}."
        )


class ListSampler:
    """Draws the sample of a probe. Of a manifest of more than `whole_bytes`, a part is read."""

    def __init__(self, manifests: Manifests, options: Options, whole_bytes: int) -> None:
        self._manifests = manifests
        self._options = options
        self._whole_bytes = whole_bytes

    def sample(self, run_id: str, manifest: ManifestObject, validated: ValidatedManifest) -> ListSample:
        """Raises InvalidManifest, ManifestGoneError, StorageFault."""
        form, rules = validated.form, validated.contents.rules
        if form is None:
            raise InvalidManifest(PARQUET_NOT_READ)
        counts = validated.contents.hosts or HostCounts()
        rows = counts.total if validated.sampled else max(validated.contents.rows, counts.total)
        seed = self._options.probe_seed or _seed_of(run_id)
        allocation = allocate(counts.rows, rows, self._options.probe)
        read = _how_to_read(manifest, validated)
        if read == PIECES:
            drawn_from = _Pieces(self._manifests, manifest, form, rules).rows(random.Random(seed))
        else:
            drawn_from = self._rows(manifest, form, rules, whole=read == WHOLE)
        sample = draw(drawn_from, allocation, rules, seed)
        known = sum(stratum["rows"] for stratum in sample.strata)
        sample = sample if read == WHOLE or not known else sample.scaled(max(1.0, rows / known))
        return _as_items(sample, seed, read, counts, rules)

    def _rows(
        self, manifest: ManifestObject, form: Format, rules: RowRules, *, whole: bool
    ) -> Iterator[tuple[int, object]]:
        chunks = self._manifests.read(manifest.bucket, manifest.key, manifest.etag, version_id=manifest.version_id)
        content = decompressed(manifest.key, chunks)
        numbered = form.numbered_rows(content if whole else first_bytes(content, self._whole_bytes), rules)
        rows = enumerate((row for _, row in numbered), start=1)
        if whole:
            yield from rows
        else:
            with suppress(InvalidManifest):  # its last row is not complete
                yield from rows


class _Pieces:
    """Rows of pieces at random positions: a row has the same chance wherever it is, and however long it is. A piece
    that begins in a value of several lines may lack rows."""

    def __init__(self, manifests: Manifests, manifest: ManifestObject, form: Format, rules: RowRules) -> None:
        self._manifests = manifests
        self._manifest = manifest
        self._form = form
        self._rules = rules

    def rows(self, chance: random.Random) -> Iterator[tuple[int, object]]:
        """Their numbers in the manifest are not known: they are numbered as they were read."""
        return enumerate(self._items(chance))

    def _items(self, chance: random.Random) -> Iterator[object]:
        header = self._piece(0).partition(b"\n")[0] + b"\n" if self._form.has_header else b""
        for _ in range(PIECE_COUNT):
            piece = self._piece(chance.randrange(max(1, self._manifest.size - PIECE_BYTES)))
            lines = piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1]
            with suppress(InvalidManifest):
                yield from (item for _, item in self._form.numbered_rows([header + lines], self._rules))

    def _piece(self, start: int) -> bytes:
        manifest, content = self._manifest, b""
        for chunk in self._manifests.read(manifest.bucket, manifest.key, manifest.etag, start, manifest.version_id):
            content += chunk
            if len(content) >= PIECE_BYTES:
                break
        return content[:PIECE_BYTES]


def _how_to_read(manifest: ManifestObject, validated: ValidatedManifest) -> str:
    """Only what consists of lines can be read from any position."""
    if not validated.is_large:
        return WHOLE
    _, gzipped = format_from_name(manifest.key)
    return BEGINNING if gzipped or validated.format == "json" else PIECES


def _seed_of(run_id: str) -> int:
    """The same for each attempt of PrepareRun, and another one for each upload."""
    return 1 + int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:8]) % MAX_SEED


def _as_items(sample: Sample, seed: int, read: str, counts: HostCounts, rules: RowRules) -> ListSample:
    by_host = Counter(host for _, _, host in sample.rows if host != OTHERS)
    largest = max(counts.rows, key=counts.rows.__getitem__, default="")
    design: SampleDesign = {
        "seed": seed,
        "read": read,
        "rows": round(sum(stratum["rows"] for stratum in sample.strata)),
        "hosts": len(counts.rows),
        "largest_host": {"host": largest, "rows": counts.rows.get(largest, 0)},
        "strata": sample.strata,
        "stratum_of": sample.stratum_of,
    }
    items = [item if read == PIECES else _with_number(item, number, rules) for number, item, _ in sample.rows]
    return ListSample(items, design, HostCounts(by_host, sum(by_host.values())))


def _with_number(item: object, number: int, rules: RowRules) -> object:
    """The item with its number in the manifest, if it can have columns."""
    if isinstance(item, str):
        return {rules.url_column or "url": item, ROW_COLUMN: number}
    if isinstance(item, Mapping):
        return {ROW_COLUMN: number, **item}
    return item
