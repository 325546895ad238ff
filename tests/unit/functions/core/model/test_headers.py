"""Request headers: read, checked, merged, and recorded without their values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.models import PreparedRequest

from functions.core.model.headers import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    NOT_RECORDED,
    HeaderError,
    check_headers,
    headers_to_send,
    parse_headers,
    recorded_options,
    unrecorded_headers,
)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (None, {}),
        ("", {}),
        ("\n \n", {}),
        ({}, {}),
        ("{}", {}),
        ("Referer: https://a.example/x:y", {"Referer": "https://a.example/x:y"}),
        ("referer:\ta", {"referer": "a"}),
        ("A: 1\r\nB: 2\n\nC:", {"A": "1", "B": "2", "C": ""}),
        (' {"A": "1", "B": null}', {"A": "1", "B": ""}),
        (
            {"Authorization": " Basic eDp5 ", "Cookie": "a=b; c=d"},
            {"Authorization": "Basic eDp5", "Cookie": "a=b; c=d"},
        ),
        ({"X-Name": "Jos\u00e9"}, {"X-Name": "Jos\u00e9"}),
        ({f"X-{n}": "" for n in range(MAX_HEADERS)}, {f"X-{n}": "" for n in range(MAX_HEADERS)}),
        ({"X": "x" * (MAX_HEADER_BYTES - 9)}, {"X": "x" * (MAX_HEADER_BYTES - 9)}),
    ],
)
def test_headers_are_lines_or_an_object(value: object, headers: dict[str, str]) -> None:
    assert parse_headers(value) == headers


CONNECTION = ["Host", "host", "Content-Length", "TRANSFER-ENCODING", "connection", "TE", "Upgrade", "Trailer", "Expect"]
OURS = [
    "Range",
    "Accept-Encoding",
    "If-None-Match",
    "if-modified-since",
    "If-Range",
    "If-Match",
    "If-Schedule-Tag-Match",
]


@pytest.mark.parametrize("name", [*CONNECTION, *OURS, "Keep-Alive", "HTTP2-Settings", "Proxy-Authorization"])
def test_a_header_that_would_break_the_request_cannot_be_set(name: str) -> None:
    with pytest.raises(HeaderError, match=f"The header {name} cannot be set: "):
        parse_headers({name: "x"})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (5, "Headers are an object"),
        (True, "Headers are an object"),
        ([["A", "b"]], "Headers are an object"),
        ("A: 1\nno colon", "Line 2 of the headers has no colon"),
        (": 1", "The name of header 1 is not valid in HTTP"),
        ("A: 1\nB C: 2", "The name of header 2 is not valid"),
        ({"\u00e9": "1"}, "The name of header 1 is not valid"),
        ({"X:Y": "1"}, "The name of header 1 is not valid"),
        ({5: "1"}, "The name of header 1 is not valid"),
        ({"x" * 41: "1"}, "The name of header 1 is longer than 40 characters"),
        ({"A": "1", "a": "1"}, "The header a is set twice"),
        ('{"A": "1", "A": "1"}', "The header A is set twice"),
        ('{"A": {"B": "1"}}', "The value of the header A is not valid in HTTP"),
        ("{", "begins with { and is not JSON"),
        ("{" + "[" * 100_000, "begins with { and is not JSON"),
        *(({"A": f"x{c}y"}, "The value of the header A is not valid") for c in "\r\n\0\x7f\x1b\u0100\u2028\ud800"),
        ({"A": 5}, "The value of the header A is not valid"),
        ({"A": NOT_RECORDED}, "The value of the header A is missing: values are not recorded"),
        ({f"X-{n}": "" for n in range(MAX_HEADERS + 1)}, "21 headers are set; at most 20 are possible"),
        ({"X": "x" * (MAX_HEADER_BYTES - 8)}, "The headers have 4,097 bytes as JSON; at most 4,096"),
    ],
)
def test_other_headers_are_refused(value: object, sentence: str) -> None:
    with pytest.raises(HeaderError, match=sentence):
        parse_headers(value)


def test_a_header_of_the_row_replaces_that_of_the_run() -> None:
    run = {"Referer": "r", "Cookie": "c", "X-A": "a"}

    assert headers_to_send(run, {}) is run
    assert headers_to_send(run, {"referer": "own", "COOKIE": "", "X-B": "b"}) == {
        "X-A": "a",
        "referer": "own",
        "X-B": "b",
    }


def test_recorded_options_have_the_names_of_headers_only() -> None:
    recorded = recorded_options({"rounds": 1, "headers": {"Cookie": "s3cr3t", "Referer": "r"}})

    assert recorded == {"rounds": 1, "headers": {"Cookie": NOT_RECORDED, "Referer": NOT_RECORDED}}
    assert unrecorded_headers(recorded) == ["Cookie", "Referer"]
    assert recorded_options({"rounds": 1}) == {"rounds": 1}
    assert unrecorded_headers({}) == unrecorded_headers({"headers": {"Cookie": "c"}}) == []


NAMES = st.one_of(
    st.text(max_size=8), st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,50}", fullmatch=True), st.sampled_from(CONNECTION)
)
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=20), st.text("\t\r\n\0 az\x85\xa0\xff", max_size=8))
ANYTHING = st.one_of(
    st.text(max_size=40),
    st.lists(st.tuples(NAMES, VALUES)).map(lambda pairs: "\n".join(f"{name}: {value}" for name, value in pairs)),
    st.dictionaries(NAMES, VALUES, max_size=5),
    st.dictionaries(NAMES, VALUES, max_size=5).map(json.dumps),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=3),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
)


@given(value=ANYTHING)
def test_anything_is_headers_that_can_be_sent_or_an_error(value: Any) -> None:
    try:
        headers = parse_headers(value)
    except HeaderError:
        return
    request = PreparedRequest()
    request.prepare_headers(headers)
    assert len(request.headers) == len(headers) <= MAX_HEADERS
    for name, text in headers.items():
        f"{name}: {text}".encode("latin-1")
        assert not set("\r\n\0") & set(name + text)
    assert parse_headers(headers) == parse_headers(json.dumps(headers)) == headers
    assert check_headers(headers.items()) == headers


@given(
    run=st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text("x", min_size=1)),
    row=st.dictionaries(st.sampled_from(["a", "B", "D"]), st.text("y", max_size=2)),
)
def test_of_each_name_the_row_decides_if_it_has_it(run: dict[str, str], row: dict[str, str]) -> None:
    sent = {name.lower(): value for name, value in headers_to_send(run, row).items()}

    wanted = {name.lower(): value for name, value in run.items()} | {name.lower(): value for name, value in row.items()}
    assert sent == {name: value for name, value in wanted.items() if value}
