"""The columns of the results."""

import pytest

from functions.core.summary.index.columns import COLUMNS, own_names, own_text
from tests.support.index_fakes import stored


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["label", "Größe"], ["label", "Größe"]),
        (["row", "URL2"], ["your_row", "URL2"]),
        (["Bytes", "HOST"], ["your_Bytes", "your_HOST"]),
        (["Label", "label", "LABEL"], ["Label", "your_label", "your_LABEL_2"]),
        (["your_row", "row"], ["your_row", "your_row_2"]),
    ],
)
def test_names_differ_without_case(columns: list[str], names: list[str]) -> None:
    assert list(own_names(columns).values()) == names


def test_a_column_without_a_name_has_no_column() -> None:
    assert own_names(["", "a"]) == {"a": "a"}


def test_a_name_with_half_a_character_is_printable() -> None:
    assert own_names(["a\ud800"]) == {"a\ud800": "a\\ud800"}


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (1, "1"), (None, None), (True, "true"), (["a"], '["a"]')])
def test_a_value_is_text(value: object, text: str | None) -> None:
    assert own_text(value) == text  # type: ignore[arg-type]


def test_every_column_has_a_value_for_a_line() -> None:
    line = stored(1, "https://a.example:8080/1.png", signals={"x-robots-tag": ("noai",)}, columns={"a": "ü"})
    values = {column.name: column.of(line) for column in COLUMNS}

    assert values["host"] == "a.example:8080"
    assert values["signals"] == {"x-robots-tag": ["noai"]}
    assert values["columns"] == '{"a": "ü"}'
    assert values["reason"] is values["final_url"] is None
