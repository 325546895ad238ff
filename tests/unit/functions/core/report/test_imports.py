"""Only SummarizeRun pays for the template engine."""

import pytest

from tests.unit.test_architecture import modules_after

ENGINE = {"jinja2", "markupsafe"}


@pytest.mark.parametrize("handler", ["download_batch", "prepare_run", "api"])
def test_no_other_function_loads_the_template_engine(handler: str) -> None:
    assert not modules_after(f"import functions.{handler}") & ENGINE


@pytest.mark.parametrize(
    "module", ["functions.core.report.formatting", "functions.core.cost.estimate", "local.commands.terminal"]
)
def test_what_the_command_line_shares_with_the_report_loads_no_template_engine(module: str) -> None:
    assert not modules_after(f"import {module}") & ENGINE


def test_summarize_run_loads_the_template_engine() -> None:
    assert modules_after("import functions.summarize_run") >= ENGINE
