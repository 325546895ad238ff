"""The checks before anything is deployed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cdk.settings import Settings
from local import preflight
from local.errors import UsageError
from tests.support.contents import FILES

ROOT = Path(__file__).parents[3]
AS_ORDINARY_USER = """
import os, sys
from pathlib import Path
from local import preflight
if os.geteuid() == 0:  # root may write to every folder
    os.setuid(65534)
preflight.check_writable(Path(sys.argv[1]), "OUT")
"""


def test_a_folder_that_can_be_created_is_not_created(tmp_path: Path) -> None:
    preflight.check_writable(tmp_path / "a" / "b", "--out")

    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()

    preflight.check_writable(tmp_path, "--out")

    assert [path.name for path in tmp_path.iterdir()] == ["images"]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^OUT takes a folder that can be written. Cannot write to /proc/a/b: "):
        preflight.check_writable(Path("/proc/a/b"), "OUT")


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match=r"Cannot write to .*/file/out: Not a directory"):
        preflight.check_writable(tmp_path / "file" / "out", "--out")


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "missing")

    with pytest.raises(UsageError, match=r"Cannot write to .*/out: File exists"):
        preflight.check_writable(tmp_path / "out", "--out")


def test_a_folder_without_write_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)

        done = subprocess.run(
            [sys.executable, "-c", AS_ORDINARY_USER, folder], cwd=ROOT, capture_output=True, text=True, check=False
        )

        assert f"Cannot write to {folder}: Permission denied." in done.stderr


def test_a_manifest_is_checked_as_prepare_run_does(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("url\nhttp://a.example/1\n")
    bad.write_text("title\na\n")

    preflight.check_manifest(good)

    with pytest.raises(UsageError, match=r"bad\.csv: The manifest has no url column"):
        preflight.check_manifest(bad)


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_with_a_wrong_name_is_wrong_usage(tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.dat"
    path.write_bytes(FILES[name].data)

    with pytest.raises(UsageError, match="has no supported extension") as caught:
        preflight.check_manifest(path)
    assert FILES[name].words in str(caught.value)


def test_of_a_large_manifest_the_end_is_checked_and_the_middle_is_left_to_prepare_run(tmp_path: Path) -> None:
    row = b'{"url": "http://a.example/1"}\n'
    rows = row * (preflight.WHOLE_BYTES // len(row) + 2)
    middle, end = tmp_path / "middle.jsonl", tmp_path / "end.jsonl"
    middle.write_bytes(
        rows[: len(row) * (preflight.SAMPLE_BYTES // len(row) + 10)] + b"no JSON\n" + rows[len(rows) // 2 :] * 2
    )
    end.write_bytes(rows + b"no JSON\n")

    preflight.check_manifest(middle)

    with pytest.raises(UsageError, match="In the last 1048568 bytes of the manifest"):
        preflight.check_manifest(end)


def test_a_manifest_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read the manifest .*: No such file or directory"):
        preflight.check_manifest(tmp_path / "gone.csv")


def test_options_are_checked_with_the_defaults_of_the_settings() -> None:
    preflight.check_options(Settings(default_options={"per_host": 4}), {"batch-size": "10"})

    with pytest.raises(UsageError, match=r"There is no option 'per_hots'. Did you mean 'per_host'\?"):
        preflight.check_options(Settings(), {"per-hots": "4"})


def test_a_list_of_known_images_is_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("0" * 64)
    bad.write_text("placeholder.png")

    assert preflight.check_options(Settings(), {"known_bad": f"{good}"}).known_bad == str(good)

    with pytest.raises(UsageError, match=r"^known_bad: .*bad\.txt, line 1: 'placeholder\.png' is not a SHA-256 digest"):
        preflight.check_options(Settings(), {"known-bad": f"{bad}"})
    with pytest.raises(
        UsageError, match=r"^known_bad takes a list of SHA-256 digests. Cannot read .*gone: No such file"
    ):
        preflight.check_options(Settings(), {"known-bad": f"{tmp_path / 'gone'}"})
    with pytest.raises(UsageError, match=r"^known_bad takes a list of SHA-256 digests. Cannot read .*: Is a directory"):
        preflight.check_options(Settings(), {"known-bad": f"{tmp_path}"})


@pytest.mark.parametrize("option", ["", "lists/a.txt", "s3://input/lists/a.txt", "runs/demo-1/suspects.csv"])
def test_a_list_in_the_input_bucket_is_no_file(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert preflight.known_bad_file(option) is None


def test_the_size_of_options_is_that_of_their_metadata() -> None:
    preflight.check_options(Settings(), {"url-column": "\u00e4" * 256})

    with pytest.raises(UsageError, match=r"^The options have 2,\d{3} bytes; at most 2,000 are possible"):
        preflight.check_options(Settings(), {"url-column": "\u00e4" * 256, "base-url": "http://a/" + "\u00e4" * 700})
