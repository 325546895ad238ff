"""The table of `make second-opinions`."""

from tests.second_opinions.report import END, START, Report, Result, with_results

VERSIONS = {"A": "1.0", "B": "2.0", "C": "3.0"}


def test_a_check_that_did_not_pass_has_its_reason_below_the_table() -> None:
    report = Report(VERSIONS)
    report.add("Images", "first", "A", Result("passed"))
    report.add("Images", "first", "B", Result("differs", "B is lenient."))
    report.add("Images", "second", "B", Result("FAILED", "It broke."))
    report.add("Tables", "third", "C", Result("differs", "B is lenient."))

    assert list(report.lines()) == [
        "",
        "| Images | A 1.0  | B 2.0       |",
        "| ---    | ---    | ---         |",
        "| first  | passed | differs (1) |",
        "| second |        | FAILED (2)  |",
        "",
        "| Tables | C 3.0       |",
        "| ---    | ---         |",
        "| third  | differs (1) |",
        "",
        "1. B is lenient.",
        "2. It broke.",
    ]


def test_the_results_replace_those_of_the_run_before() -> None:
    page = f"before\n{START}\nold\n{END}\nafter\n"

    assert with_results(page, ["new", "lines"]) == f"before\n{START}\nnew\nlines\n{END}\nafter\n"
