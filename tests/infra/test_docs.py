import pytest

from docs.tables import FOLDER, STACK_TABLES, written
from tests.infra.rendered import Template


@pytest.mark.parametrize("name", STACK_TABLES)
def test_a_generated_table_is_up_to_date(name: str) -> None:
    """`python -m docs.tables` updates it."""
    text = (FOLDER / STACK_TABLES[name].page).read_text()

    assert written(name, STACK_TABLES[name], text) == text


def test_the_outputs_are_those_of_the_template(template: Template) -> None:
    outputs = {name: output["Description"] for name, output in template.body["Outputs"].items()}

    assert [tuple(map(str.strip, row.split("|")))[1:3] for row in STACK_TABLES["outputs"].text().splitlines()[2:]] == [
        (f"`{name}`", description) for name, description in outputs.items()
    ]
