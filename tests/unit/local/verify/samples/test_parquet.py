"""The Parquet writer, read by pyarrow and by the reader of the functions."""

from io import BytesIO

import pytest
from pyarrow import parquet

from functions.core.manifests.parquet.footer import TAIL_BYTES, footer_length, read_footer
from local.verify.samples.parquet import write_parquet

LONG = "https://bucket.example/" + "ü&%2F+" * 300


@pytest.mark.parametrize(
    "groups", [[["a"]], [["a", "b", "c", "d"], ["e", "f", "g"]], [[LONG] * 100, ["x"], [LONG, "y"] * 50]]
)
def test_pyarrow_reads_the_values_and_the_row_groups(groups: list[list[str]]) -> None:
    file = parquet.ParquetFile(BytesIO(write_parquet("url", groups)))

    assert file.num_row_groups == len(groups)
    assert str(file.schema_arrow.field("url").type) == "string"
    assert [file.read_row_group(number).column("url").to_pylist() for number in range(len(groups))] == groups


def test_the_functions_read_its_footer() -> None:
    content = write_parquet("url", [["a", "b"], ["c"]])
    length = footer_length(content[-TAIL_BYTES:], len(content))

    contents = read_footer(content[-TAIL_BYTES - length : -TAIL_BYTES])

    assert (contents.rows, contents.columns) == (3, ())
