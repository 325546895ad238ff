"""`run`, as far as it needs no cloud."""

from pathlib import Path

import pytest

from local.commands.run import ROOT, program


@pytest.mark.parametrize(("inside", "path"), [(True, "./image-mirror"), (False, f"{ROOT}/image-mirror")])
def test_the_program_is_named_from_the_folder_in_which_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inside: bool, path: str
) -> None:
    monkeypatch.chdir(ROOT if inside else tmp_path)

    assert program() == path
