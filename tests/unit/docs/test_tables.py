import pytest

from cdk.settings import MEANINGS, Settings
from docs.tables import FOLDER, TABLES, written


@pytest.mark.parametrize("name", TABLES)
def test_a_generated_table_is_up_to_date(name: str) -> None:
    """`python -m docs.tables` updates it."""
    text = (FOLDER / TABLES[name].page).read_text()

    assert written(name, TABLES[name], text) == text


def test_a_table_has_a_row_for_each_thing() -> None:
    rows = {name: len(table.text().splitlines()) - 2 for name, table in TABLES.items()}

    assert rows == {
        "options": 34, "key-fields": 8, "exports": 21, "outcomes": 5, "results": 22, "reasons": 23, "metrics": 18,
        "settings": 23, "states": 28, "actions": 1,
    }  # fmt: skip
    assert "| `batch_size` | 1 to 1000 | 500 |" in TABLES["options"].text()


def test_a_page_without_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"manifests.md has no place for the table options"):
        written("options", TABLES["options"], "# Manifests")


def test_every_setting_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Settings.__dataclass_fields__)


def test_only_sizes_are_also_shown_in_mebibytes() -> None:
    rows = [line for line in TABLES["options"].text().splitlines() if " MiB)" in line]

    assert [line.split("`")[1] for line in rows] == ["max_bytes"]
