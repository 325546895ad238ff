"""What owners say about the use of their images: recorded in each result line, and obeyed by choice."""

import gzip
from typing import Any

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.support import images
from tests.support.rights import C2PA_FILES, VOCABULARY, XMP_FILES, manifest_store, packet
from tests.support.servers import answer, closing, head, in_turn, resetting

PROHIBITED = f"{VOCABULARY}DMI-PROHIBITED-GENAIMLTRAINING"
JPEG = images.jpeg()
ALL = ("noai", "aipref", "tdmrep", "iptc")

SIGNALS = [
    pytest.param("noai", {"X-Robots-Tag": "noindex, noai"}, JPEG, "X-Robots-Tag", "noai", id="X-Robots-Tag"),
    pytest.param("aipref", {"Content-Usage": "train-ai=n"}, JPEG, "Content-Usage", "train-ai=n", id="Content-Usage"),
    pytest.param(
        "aipref", {"Content-Signal": "ai-train=no"}, JPEG, "Content-Signal", "ai-train=no", id="Content-Signal"
    ),
    pytest.param("tdmrep", {"TDM-Reservation": "1"}, JPEG, "TDM-Reservation", "1", id="TDM-Reservation"),
    *(
        pytest.param(
            "iptc",
            {},
            make(packet(PROHIBITED)),
            "plus:DataMining",
            "DMI-PROHIBITED-GENAIMLTRAINING",
            id=f"XMP in {name}",
        )
        for name, make in XMP_FILES.items()
    ),
]


def values_of(headers: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in headers.items()} or {"plus:DataMining": [PROHIBITED]}


@pytest.mark.parametrize(("group", "headers", "body", "name", "value"), SIGNALS)
def test_a_signal_fails_the_row_only_where_it_is_respected(
    group: str, headers: dict[str, str], body: bytes, name: str, value: str, serve: Serve, engine: Engine
) -> None:
    server = serve({"/a": answer(headers=headers, body=body)})
    others = engine.mirror(server.url("/a"), respect=tuple(each for each in ALL if each != group))
    respected = engine.mirror(server.url("/a"), respect=(group,))

    assert others.stored == [1]
    assert others.lines[0]["signals"] == values_of(headers)
    (failure,) = respected.failures
    assert (failure["reason"], failure["http_status"], failure["retryable"]) == ("opt_out", 200, False)
    assert failure["message"].endswith(f"opts out of this use ({name}: {value}).")
    assert failure["signals"] == values_of(headers)
    assert (respected.store.objects, respected.table.rows) == ({}, {})
    assert "signals" not in respected.notices.published[0].body["failures"][0]


@pytest.mark.parametrize(
    ("options", "is_stored"),
    [
        ({}, False),
        ({"respect_opt_out": True}, False),
        ({"respect_opt_out": False}, True),
        ({"respect_opt_out": False, "respect": ("noai", "aipref")}, True),
        ({"respect": ("aipref",)}, True),
        ({"respect": ()}, True),
    ],
)
def test_noai_is_respected_by_default_and_by_both_options(
    options: dict[str, Any], is_stored: bool, serve: Serve, engine: Engine
) -> None:
    server = serve({"/a": answer(headers={"X-Robots-Tag": "noai"}, body=JPEG)})
    (line,) = engine.mirror(server.url("/a"), **options).lines

    assert line["outcome"] == ("stored" if is_stored else "failed")
    assert line.get("message", "") == ("" if is_stored else "The site opts out of this use (X-Robots-Tag: noai).")
    assert line["signals"] == {"X-Robots-Tag": ["noai"]}


def test_every_signal_is_recorded_with_the_image(serve: Serve, engine: Engine) -> None:
    headers = [
        ("x-robots-tag", "otherbot: noai"),
        ("X-Robots-Tag", "noindex"),
        ("Content-Usage", "train-ai=y, search=y;exp=1"),
        ("Content-Signal", "search=yes"),
        ("TDM-Reservation", "0"),
        ("tdm-policy", "https://me:pw@a.example/policy?token=abc"),
    ]
    body = C2PA_FILES["webp"](manifest_store("c2pa.training-mining"))
    result = engine.mirror(serve({"/a": answer(headers=headers, body=body)}).url("/a"), respect=ALL)

    assert result.lines[0]["outcome"] == "stored"
    assert result.lines[0]["signals"] == {
        "X-Robots-Tag": ["otherbot: noai", "noindex"],
        "Content-Usage": ["train-ai=y, search=y;exp=1"],
        "Content-Signal": ["search=yes"],
        "TDM-Reservation": ["0"],
        "TDM-Policy": ["https://a.example/policy?token=…"],
        "C2PA": ["manifest", "c2pa.training-mining"],
    }
    (record,) = result.table.rows.values()
    assert "signals" not in record


def test_rows_without_signals_have_no_such_field(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": answer(body=JPEG), "/b": answer(404)})
    lines = engine.mirror(server.url("/a"), server.url("/b"), server.url("/a")).lines

    assert [line["outcome"] for line in lines] == ["stored", "failed", "duplicate"]
    assert ["signals" in line for line in lines] == [False] * 3


def test_a_row_that_fails_for_another_reason_has_its_signals(serve: Serve, engine: Engine) -> None:
    server = serve(
        {
            "/text": answer(headers={"TDM-Reservation": "1"}, body=images.HTML),
            "/small": answer(headers={"Content-Usage": "train-ai=n"}, body=JPEG),
            "/cut": answer(body=XMP_FILES["webp"](packet(PROHIBITED))[:-9]),
        }
    )
    lines = engine.mirror(server.url("/text"), server.url("/small"), server.url("/cut"), min_width=1000).failures

    assert [line["reason"] for line in lines] == ["not_an_image", "not_an_image", "incomplete_body"]
    assert [line["signals"] for line in lines] == [
        {"TDM-Reservation": ["1"]},
        {"Content-Usage": ["train-ai=n"]},
        {"plus:DataMining": [PROHIBITED]},
    ]


def test_the_signals_are_those_of_the_last_response(serve: Serve, engine: Engine) -> None:
    moved = answer(302, {"Location": "/b", "X-Robots-Tag": "noai"})
    first = resetting(head(headers={"TDM-Reservation": "0", "Content-Length": str(len(JPEG))}), JPEG[:9])
    server = serve({"/a": moved, "/b": in_turn(first, answer(headers={"TDM-Policy": "/p"}, body=JPEG))})
    (line,) = engine.mirror(server.url("/a"), respect=ALL).lines

    assert line["outcome"] == "stored"
    assert line["signals"] == {"TDM-Policy": ["/p"]}


def test_an_image_that_was_not_modified_has_the_signals_of_that_response(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": closing(head(304, {"X-Robots-Tag": "noai"}))})
    record = {"url": server.url("/a"), "run_id": "run-0", "etag": '"1"'}
    (line,) = engine.mirror(server.url("/a"), records=[record], on_existing="refresh").lines

    assert (line["outcome"], line["signals"]) == ("unchanged", {"X-Robots-Tag": ["noai"]})


@pytest.mark.parametrize("encoding", ["gzip", "br", "utf-8"])
@pytest.mark.parametrize("is_coded", [False, True])
def test_an_opt_out_is_the_reason_also_with_a_content_encoding(
    encoding: str, is_coded: bool, serve: Serve, engine: Engine
) -> None:
    body = XMP_FILES["jpeg"](packet(PROHIBITED))
    if is_coded:
        encoding, body = "gzip", gzip.compress(body, mtime=0)
    server = serve({"/a": answer(headers={"Content-Encoding": encoding}, body=body)})
    (failure,) = engine.mirror(server.url("/a"), respect=("iptc",)).failures

    assert (failure["reason"], failure["signals"]) == ("opt_out", {"plus:DataMining": [PROHIBITED]})


@pytest.mark.parametrize(
    ("line", "value"), [("Content-Usage", "train-ai=n"), ("Content-Signal", "search=yes, ai-train=no")]
)
def test_a_line_of_robots_txt_is_recorded_and_obeyed_by_choice(
    line: str, value: str, serve: Serve, engine: Engine
) -> None:
    robots = f"User-agent: *\n{line}: {value}\n{line}: /open/ train-ai=y\n".encode()
    server = serve({"/robots.txt": answer(body=robots), "/a": answer(body=JPEG), "/open/b": answer(body=JPEG)})
    urls = [server.url("/a"), server.url("/open/b")]

    recorded = engine.mirror(*urls, robots="obey")
    obeyed = engine.mirror(*urls, robots="obey", respect=("aipref",))

    name = f"robots.txt {line}"
    assert [line["signals"] for line in recorded.lines] == [{name: [value]}, {name: ["train-ai=y"]}]
    assert recorded.stored == [1, 2]
    assert obeyed.stored == [2]
    assert obeyed.failures[0]["reason"] == "opt_out"
    assert name in obeyed.failures[0]["message"]
    assert obeyed.failures[0]["signals"] == {name: [value]}
