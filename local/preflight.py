"""Checks before anything is deployed, within a second. A check that fails leaves nothing behind."""

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cdk.settings import Settings
from functions.core.manifests.validation import validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.metadata import MAX_METADATA_BYTES, metadata_size, options_to_metadata
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.rows import RowRules
from functions.core.model.runs import ManifestObject
from functions.core.prepare.known_bad import LISTS, read_digests
from local.errors import UsageError
from local.manifest_files import CHUNK_BYTES, ManifestFiles

WHOLE_BYTES = 2 * 1024 * 1024
"""Size up to which a manifest is checked as a whole, in bytes: half a second for JSON lines, which take the longest.

Of a larger one, the first and the last SAMPLE_BYTES are checked, and PrepareRun checks it as a whole.
"""

SAMPLE_BYTES = WHOLE_BYTES // 2

DEFAULT_OPTIONS = Options()


def check_options(settings: Settings, options: Mapping[str, str]) -> Options:
    """Check the options as PrepareRun does, with the defaults of the settings. Raises UsageError."""
    try:
        validated = validate_options(settings.default_options, options)
    except InvalidManifest as error:
        raise UsageError(str(error)) from error
    size = metadata_size(options_to_metadata(options))
    if size > MAX_METADATA_BYTES:
        raise UsageError(
            f"The options have {size:,} bytes; at most {MAX_METADATA_BYTES:,} are possible, because they are metadata "
            "of the manifest in S3. Headers can also be columns of the manifest, such as 'header:Referer'."
        )
    known_bad_file(validated.known_bad)
    return validated


def known_bad_file(text: str) -> Path | None:
    """The file of this machine that `known_bad` names; None for a list in the input bucket. Raises UsageError."""
    path = Path(text).expanduser()
    if not text or (not path.is_file() and text.startswith(("s3://", LISTS, "runs/"))):
        return None
    try:
        with path.open("rb") as file:
            read_digests(iter(lambda: file.read(CHUNK_BYTES), b""), f"known_bad: {path}")
    except OSError as error:
        raise UsageError(f"known_bad takes a list of SHA-256 digests. Cannot read {path}: {error.strerror}.") from error
    except InvalidManifest as error:
        raise UsageError(str(error)) from error
    return path


def check_manifest(path: Path, options: Options = DEFAULT_OPTIONS) -> None:
    """Check the manifest as PrepareRun does, a large one in part. Raises UsageError."""
    try:
        size = path.stat().st_size
        manifest = ManifestObject(str(path.parent), path.name, size=size)
        validate_manifest(ManifestFiles(), manifest, WHOLE_BYTES, SAMPLE_BYTES, RowRules.of(options))
    except InvalidManifest as error:
        raise UsageError(f"{path}: {error}") from error
    except OSError as error:
        raise UsageError(f"Cannot read the manifest {path}: {error.strerror}.") from error


def check_writable(out: Path, name: str) -> None:
    """Check that files can be created in the folder, or the folder itself where it is missing. Raises UsageError.

    `name` is how messages call the parameter. Permissions do not tell: the check creates a file and removes it.
    """
    created: list[Path] = []
    try:
        for folder in _missing(out):
            folder.mkdir()
            created.append(folder)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(
            f"{name} takes a folder that can be written. Cannot write to {out}: {error.strerror}."
        ) from error
    finally:
        for folder in reversed(created):
            with contextlib.suppress(OSError):  # another process has put a file there
                folder.rmdir()


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, the outermost first."""
    return [path for path in (*reversed(folder.parents), folder) if not path.exists()]
