"""Signals of the owner in response headers: what they say, what of them opts out, and how they are shown."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from functions.core.model.errors import RowError
from functions.core.model.options import SIGNAL_GROUPS
from functions.core.model.reasons import Reason
from functions.core.web.signals import (
    HEADER_SIGNALS,
    MAX_CHARACTERS,
    MAX_VALUES,
    OwnerSignals,
    content_signal_opt_out,
    content_usage_opt_out,
    dictionary_values,
    opt_out_directive,
    tdm_reservation_opt_out,
)

MANY = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("headers", "directive"),
    [
        ([], None),
        (["noai"], "noai"),
        (["noimageai"], "noimageai"),
        (["NoImageIndex"], "noimageindex"),
        (["noindex, noai"], "noai"),
        (["noindex", " noai "], "noai"),
        (["noindex, nofollow"], None),
        (["*: noai"], "noai"),
        (["image-mirror: noai"], "noai"),
        (["Image-Mirror/0.2 : noindex, noai"], "noai"),
        (["googlebot: noai"], None),
        (["googlebot: noindex, noai"], None),
        (["googlebot: noai, image-mirror: noai"], "noai"),
        (["googlebot: noindex", "noai"], "noai"),
        (["unavailable_after: 1 Jan 2030, noai"], "noai"),
        (["max-snippet: 5, noai"], "noai"),
        (["googlebot: max-image-preview: none, noai"], None),
        (["max-video-preview: 5, noai"], "noai"),
    ],
)
def test_an_opt_out_applies_to_all_or_to_the_robot_that_it_names(headers: list[str], directive: str | None) -> None:
    assert opt_out_directive(headers) == directive


def test_another_robot_has_its_own_name() -> None:
    assert opt_out_directive(["other: noai"], robot="Other") == "noai"
    assert opt_out_directive(["image-mirror: noai"], robot="Other") is None


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", {}),
        ("train-ai=n", {"train-ai": "n"}),
        ("train-ai=n, search=y", {"train-ai": "n", "search": "y"}),
        ("  train-ai=n \t,\t search=y;exp=1767225600 ", {"train-ai": "n", "search": "y"}),
        ("train-ai;allow=n, train-ai=y", {"train-ai": "y"}),
        ('train-ai=y, train-ai, search=n, search="n"', {"train-ai": "?1", "search": '"n"'}),
        ('train-ai;has;parameters="?"', {"train-ai": "?1"}),
        ('train-ai=n;a=1.5; b=?0;c=:aGk=:;*d=@12;e=%"f%c3%bc"', {"train-ai": "n"}),
        ('a=("x" y;q=1 -2);p, train-ai=n', {"a": '("x" y;q=1 -2)', "train-ai": "n"}),
        ('a="b, train-ai=n"', {"a": '"b, train-ai=n"'}),
        ('a="q\\"\\\\"', {"a": '"q\\"\\\\"'}),
        ("a=tok/en:x, *b=*", {"a": "tok/en:x", "*b": "*"}),
        # not a dictionary: nothing is known
        ("train-ai=n,", {}),
        ("train-ai=n search=y", {}),
        ("train-ai=n; search=Y=", {}),
        ("train-ai = n", {}),
        ("Train-AI=n", {}),
        ("train-ai=n, Search=y", {}),
        ("train-ai=", {}),
        ("train-ai=n,, search=y", {}),
        (",train-ai=n", {}),
        ("a=1.2345, train-ai=n", {}),
        ("a=1., train-ai=n", {}),
        ("a=1234567890123456, train-ai=n", {}),
        ('a="\u00fc", train-ai=n', {}),
        ("a=(x, train-ai=n", {}),
        ('a="x, train-ai=n', {}),
        ("a=?2, train-ai=n", {}),
        ("train-ai=n\x00", {}),
    ],
)
def test_a_dictionary_is_read_as_structured_fields_are(text: str, members: dict[str, str]) -> None:
    assert dictionary_values(text) == members


keys = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
bare_items = st.one_of(
    st.from_regex(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]{0,8}", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,12}\.[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"@?-?[0-9]{1,15}", fullmatch=True),
    st.from_regex(r'"([ !#-\[\]-~]|\\["\\]){0,8}"', fullmatch=True),
    st.from_regex(r":[A-Za-z0-9+/=]{0,8}:", fullmatch=True),
    st.sampled_from(["?0", "?1", '%"%e2%82%ac, =;"']),
)
parameters = st.lists(st.tuples(keys, st.one_of(st.just(""), bare_items.map(lambda item: f"={item}"))), max_size=3).map(
    lambda pairs: "".join(f"; {key}{value}" for key, value in pairs)
)
inner_lists = st.lists(st.tuples(bare_items, parameters).map("".join), max_size=3).map(lambda of: f"({' '.join(of)})")
values = st.one_of(bare_items, inner_lists)


@MANY
@given(st.lists(st.tuples(keys, values, parameters), min_size=1, max_size=5), st.sampled_from([",", ", ", "\t, \t"]))
def test_every_dictionary_is_read(members: list[tuple[str, str, str]], separator: str) -> None:
    text = separator.join(f"{key}={value}{parameter}" for key, value, parameter in members)

    assert dictionary_values(text) == {key: value for key, value, _ in members}
    assert dictionary_values(f"{text}{separator}") == {}
    assert content_usage_opt_out([text, "train-ai=n;exp=@1"]) == "train-ai=n"


@MANY
@given(st.one_of(st.text(max_size=80), st.text('train-ai=n, \t;"()?:@%\\1.x', max_size=80)))
@example("a=(" + " " * 60_000)
@example('a="' + "\\\\" * 30_000)
@example("a=" + "(1 " * 20_000)
@example("a;" * 30_000)
@example("a=1," * 16_000)
def test_any_text_is_a_dictionary_or_not(text: str) -> None:
    assert all(key and value for key, value in dictionary_values(text).items())
    assert content_usage_opt_out([text]) in {None, "train-ai=n"}


@pytest.mark.parametrize(
    ("headers", "opt_out"),
    [
        (["train-ai=n"], True),
        (["search=y", "train-ai=n"], True),
        (["train-ai=n", "train-ai=y"], False),  # several headers are one dictionary, in which the last one counts
        (["train-ai=y"], False),
        (["train-ai=no"], False),
        (["train-ai"], False),
        (["train-ai=?0"], False),
        (['train-ai="n"'], False),
        (["train-ai=(n)"], False),
        (["search=n, ai-use=n"], False),
        (["TRAIN-AI=N"], False),
    ],
)
def test_content_usage_opts_out_of_training(headers: list[str], opt_out: bool) -> None:
    assert content_usage_opt_out(headers) == ("train-ai=n" if opt_out else None)


@pytest.mark.parametrize(
    ("headers", "opt_out"),
    [
        (["ai-train=no"], True),
        (["search=yes,ai-train=no"], True),
        (["search=yes, ai-input=no , AI-Train = NO"], True),
        (["search=yes; ai-train=no"], True),
        (["ai-train=yes", "ai-train=no"], True),
        (["ai-train=yes"], False),
        (["ai-train=nope"], False),
        (["x-ai-train=no"], False),
        (["ai-input=no, search=no"], False),
        (["ai-train"], False),
    ],
)
def test_content_signal_opts_out_of_training(headers: list[str], opt_out: bool) -> None:
    assert content_signal_opt_out(headers) == ("ai-train=no" if opt_out else None)


@pytest.mark.parametrize(
    ("headers", "opt_out"),
    [(["1"], True), ([" 1 "], True), (["0", "1"], True), (["0, 1"], True), (["0"], False), (["10"], False),
     (["true"], False), ([""], False)],
)  # fmt: skip
def test_a_tdm_reservation_of_1_opts_out(headers: list[str], opt_out: bool) -> None:
    assert tdm_reservation_opt_out(headers) == ("1" if opt_out else None)


ALL = {
    "X-Robots-Tag": ["noindex", "noai"],
    "Content-Usage": ["train-ai=n, search=y"],
    "Content-Signal": ["search=yes, ai-train=no"],
    "TDM-Reservation": ["1"],
    "TDM-Policy": ["https://a.example/policy.json"],
}


def headers_of(fields: dict[str, list[str]]) -> HTTPHeaderDict:
    headers = HTTPHeaderDict({"Content-Type": "image/png"})
    for name, lines in fields.items():
        for line in lines:
            headers.add(name.lower(), line)
    return headers


def test_every_signal_is_recorded_as_it_came() -> None:
    signals = OwnerSignals()
    signals.read_headers(headers_of(ALL))

    assert signals.found == ALL
    signals.check()  # nothing is respected


def test_the_signals_of_an_earlier_response_are_forgotten() -> None:
    signals = OwnerSignals(SIGNAL_GROUPS)
    signals.read_headers(headers_of(ALL))
    signals.read_headers(headers_of({"TDM-Reservation": ["0"]}))

    assert signals.found == {"TDM-Reservation": ["0"]}
    signals.check()


@pytest.mark.parametrize(
    ("group", "fields", "said"),
    [
        ("noai", {"X-Robots-Tag": ["noindex, noai"]}, "X-Robots-Tag: noai"),
        ("aipref", {"Content-Usage": ["search=y, train-ai=n"]}, "Content-Usage: train-ai=n"),
        ("aipref", {"Content-Signal": ["search=yes, ai-train=no"]}, "Content-Signal: ai-train=no"),
        ("tdmrep", {"TDM-Reservation": ["1"], "TDM-Policy": ["/p"]}, "TDM-Reservation: 1"),
    ],
)
def test_a_signal_opts_out_where_its_group_is_respected(group: str, fields: dict[str, list[str]], said: str) -> None:
    others = OwnerSignals(set(SIGNAL_GROUPS) - {group})
    others.read_headers(headers_of(fields))
    others.check()

    signals = OwnerSignals({group})
    signals.read_headers(headers_of(fields))
    with pytest.raises(RowError) as raised:
        signals.check()
    assert raised.value.message == f"The site opts out of this use ({said})."
    assert (raised.value.reason, raised.value.status, raised.value.retryable) == (Reason.OPT_OUT, 200, False)


def test_every_group_is_an_accepted_value_of_the_option() -> None:
    assert {signal.group for signal in HEADER_SIGNALS} - {""} == set(SIGNAL_GROUPS) - {"iptc"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://me:pw@a.example/p.json?token=abc#x", "https://a.example/p.json?token=…"),
        ("/p.json?sig=secret", "/p.json?sig=…"),
        ("HTTPS://me:pw@a.example/", "https://a.example/"),
        ("see ftp://me:pw@a.example/p, please", "see ftp://a.example/p, please"),
        ("image-mirror/0.1: noai", "image-mirror/0.1: noai"),
        ('train-ai=n;why="http://a.example/?key=abcdef"', 'train-ai=n;why="http://a.example/?key=…"'),
        ("a\x00b\x1b[31m\u202ec", "a\ufffdb\ufffd[31m\ufffdc"),
        ("x" * 300, "x" * 255 + "…"),
        ("x" * 256, "x" * 256),
        ("https://" + "u" * 400 + ":pw@a.example/", "https://a.example/"),
    ],
)
def test_a_value_is_redacted_printable_and_short(value: str, shown: str) -> None:
    signals = OwnerSignals()
    signals.read_headers(headers_of({"TDM-Policy": [value]}))

    assert signals.found == {"TDM-Policy": [shown]}


@MANY
@given(st.dictionaries(st.sampled_from(sorted(ALL)), st.lists(st.text(max_size=400), min_size=1, max_size=20)))
def test_any_headers_are_bounded(fields: dict[str, list[str]]) -> None:
    signals = OwnerSignals()
    signals.read_headers(headers_of(fields))

    assert set(signals.found) == set(fields)
    for shown in signals.found.values():
        assert 0 < len(shown) <= MAX_VALUES
        assert all(len(value) <= MAX_CHARACTERS and value.isprintable() for value in shown)
