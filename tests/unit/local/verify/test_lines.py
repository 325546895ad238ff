"""What a check has found, as a line, and the lines as output."""

import io
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from requests import ConnectionError as RequestsConnectionError
from rich.console import Console

from local.verify.lines import CheckFailedError, Line, NotCheckedError, Result, StoppedError, run_check
from local.verify.table import Output


def client_error(code: str, operation: str = "ReceiveMessage") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No\nentry"}}, operation)


def raises(error: BaseException) -> Callable[[], str]:
    def check() -> str:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "result", "details"),
    [
        (CheckFailedError("1 row is missing."), Result.FAILED, "1 row is missing."),
        (NotCheckedError("No run has ended."), Result.NOT_CHECKED, "No run has ended."),
        (
            client_error("AccessDenied"),
            Result.NOT_CHECKED,
            "(AccessDenied) when calling the ReceiveMessage operation: No",
        ),
        (client_error("AccessDeniedException"), Result.NOT_CHECKED, "AccessDeniedException"),
        (client_error("AuthorizationError", "Subscribe"), Result.NOT_CHECKED, "Subscribe"),
        (client_error("NoSuchBucket"), Result.FAILED, "NoSuchBucket"),
        (ReadTimeoutError(endpoint_url="https://a.example"), Result.FAILED, "Read timeout"),
        (RequestsConnectionError("refused"), Result.FAILED, "refused."),
        (KeyError("links"), Result.FAILED, "An answer has another form than expected: KeyError('links')."),
    ],
)
def test_an_error_becomes_a_line_of_one_sentence(error: Exception, result: Result, details: str) -> None:
    line = run_check("objects", "It works.", raises(error))

    assert (line.name, line.proves, line.result) == ("objects", "It works.", result)
    assert details in line.details
    assert "\n" not in line.details


def test_an_interrupted_check_has_no_line() -> None:
    with pytest.raises(StoppedError):
        run_check("objects", "", raises(StoppedError()))


def lines(*results: Result) -> list[Line]:
    return [Line(f"line-{number}", "It works.", result, "[b]Bold\x1b[0m") for number, result in enumerate(results)]


def shown(found: list[Line]) -> str:
    file = io.StringIO()
    output = Output(Console(file=file, width=80))
    output.table(found)
    output.verdict(found)
    return file.getvalue()


def test_the_table_has_every_line_and_what_it_proves() -> None:
    text = shown(lines(Result.PASSED, Result.FAILED))

    assert text.count("It works.") == 2
    assert [word in text for word in ("line-0", "passed", "line-1", "FAILED")] == [True] * 4


def test_failed_lines_are_named_last_without_markup_and_control_characters() -> None:
    text = shown(lines(Result.PASSED, Result.NOT_CHECKED, Result.FAILED))

    assert text.splitlines()[-3:] == [
        "not checked line-1: [b]Bold [0m",
        "FAILED      line-2: [b]Bold [0m",
        "1 of 3 lines have failed. 1 could not be checked: see above.",
    ]


def test_lines_that_were_not_checked_are_not_counted_as_passed() -> None:
    assert shown(lines(Result.PASSED, Result.NOT_CHECKED)).splitlines()[-1] == (
        "1 of 2 lines have passed. 1 could not be checked: see above."
    )
