"""The metadata of an image about its use: found in every format by their bytes, and in nothing else."""

import io
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.core.download.images.rights import HEAD_BYTES, c2pa, data_mining, data_mining_opt_out, read_head
from functions.core.download.images.types import detect_image_type
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.signals import MAX_VALUES, OwnerSignals
from tests.corpus.make import FILES, INDEX
from tests.support import images
from tests.support.rights import C2PA_FILES, FORMS, VOCABULARY, XMP_FILES, jpeg, manifest_store, packet

MANY = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
PROHIBITED = f"{VOCABULARY}DMI-PROHIBITED"


def found(data: bytes) -> dict[str, list[str]]:
    signals = OwnerSignals()
    read_head(data[:HEAD_BYTES], signals)
    return signals.found


@pytest.mark.parametrize("name", XMP_FILES)
def test_the_property_is_found_in_each_format(name: str) -> None:
    data = XMP_FILES[name](packet(PROHIBITED))
    image_type = detect_image_type(data)

    assert image_type is not None
    assert name.startswith(image_type.name)
    assert image_type.is_complete(io.BytesIO(data), len(data))
    assert found(data) == {"plus:DataMining": [PROHIBITED]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prefix", ["plus", "ns1", "ldf-plus.x", "\u00fc"])
def test_the_property_is_found_in_each_form_with_any_prefix(form: str, prefix: str) -> None:
    assert data_mining(packet(PROHIBITED, form=form, prefix=prefix)) == [PROHIBITED]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", [b"", b"x", b"II*\0"])
def test_the_property_is_found_in_utf_16_at_any_position(form: str, encoding: str, before: bytes) -> None:
    assert data_mining(before + packet(PROHIBITED, form=form).decode().encode(encoding)) == [PROHIBITED]


@pytest.mark.parametrize(
    "data",
    [
        packet(PROHIBITED, namespace="http://ns.example.org/ldf/xmp/1.0/"),
        packet(PROHIBITED).replace(b"plus:DataMining", b"other:DataMining"),
        packet(PROHIBITED).replace(b"plus:DataMining", b"plus:DataMiningX"),
        packet(PROHIBITED).replace(b"plus:DataMining", b"plus:OtherConstraints"),
        packet(PROHIBITED, form="default namespace").replace(b"<DataMining xmlns=", b"<DataMining xmlns:plus="),
        packet("", form="element"),
        packet(" ", form="element"),
        packet(""),
        packet(" "),
        packet(PROHIBITED, form="element").partition(b"</plus:DataMining")[0],
        packet("x" * 2000),
        packet("x" * 2000, form="element"),
        images.jpeg(),
        b"",
    ],
)
def test_other_properties_and_unfinished_ones_are_not_found(data: bytes) -> None:
    assert data_mining(data) == []


def test_every_packet_counts_up_to_a_limit() -> None:
    two = packet(f"{VOCABULARY}DMI-ALLOWED") + packet(PROHIBITED, form="element", prefix="p")

    assert data_mining(two) == [f"{VOCABULARY}DMI-ALLOWED", PROHIBITED]
    assert data_mining(packet(PROHIBITED) * 50) == [PROHIBITED] * MAX_VALUES


def test_only_the_first_64_kilobytes_are_searched() -> None:
    xmp = packet(PROHIBITED)
    room = HEAD_BYTES - len(xmp)

    assert found(b"BM" + bytes(room - 2) + xmp) == {"plus:DataMining": [PROHIBITED]}
    signals = OwnerSignals()
    read_head(b"BM" + bytes(HEAD_BYTES) + xmp, signals)
    assert signals.found == {}


def test_the_metadata_of_a_jpeg_end_at_its_first_scan() -> None:
    before = b"\xff\xfe\x00\x06\xff\xda\xff\xd9" + b"\xff\xff\xff\xd0" + b"\xff\x01"  # markers in a comment, fill bytes
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + packet(PROHIBITED)

    assert found(jpeg(xmp, before=before)) == {"plus:DataMining": [PROHIBITED]}
    assert found(images.jpeg()[:-2] + packet(PROHIBITED)) == {}
    assert found(b"\xff\xd8stray" + packet(PROHIBITED)) == {"plus:DataMining": [PROHIBITED]}


@pytest.mark.parametrize(
    ("value", "opt_out"),
    [
        ("DMI-PROHIBITED", "DMI-PROHIBITED"),
        ("DMI-PROHIBITED-AIMLTRAINING", "DMI-PROHIBITED-AIMLTRAINING"),
        ("DMI-PROHIBITED-GENAIMLTRAINING", "DMI-PROHIBITED-GENAIMLTRAINING"),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"),
        ("DMI-PROHIBITED-SEECONSTRAINT", "DMI-PROHIBITED-SEECONSTRAINT"),
        ("DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR"),
        ("DMI-PROHIBITED-SEELINKEDRIGHTSEXPR", "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR"),
        ("dmi-Prohibited", "DMI-PROHIBITED"),
        ("DMI-ALLOWED", None),
        ("DMI-UNSPECIFIED", None),
        ("DMI-PROHIBITEDNOT", None),
        ("NOT-DMI-PROHIBITED", None),
        ("DMI-PROHIBITED?", None),
        ("", None),
    ],
)
def test_every_value_that_is_named_prohibited_opts_out(value: str, opt_out: str | None) -> None:
    assert data_mining_opt_out([f"{VOCABULARY}{value}"]) == opt_out
    assert data_mining_opt_out([value]) == opt_out
    assert data_mining_opt_out([f"{VOCABULARY}DMI-ALLOWED", value]) == opt_out


@pytest.mark.parametrize("name", C2PA_FILES)
@pytest.mark.parametrize("assertions", [(), ("c2pa.training-mining",), ("cawg.training-mining",)])
def test_a_manifest_is_found_in_each_format(name: str, assertions: tuple[str, ...]) -> None:
    data = C2PA_FILES[name](manifest_store("c2pa.actions", *assertions))
    image_type = detect_image_type(data)

    assert image_type is not None
    assert image_type.name == name
    assert image_type.is_complete(io.BytesIO(data), len(data))
    assert found(data) == {"C2PA": ["manifest", *assertions]}


def test_a_manifest_box_without_its_beginning_is_found_in_iso_files_only() -> None:
    whole = C2PA_FILES["avif"](b"")

    assert c2pa(whole) == ["manifest"]
    assert c2pa(b"\x89PNG" + whole) == []


@pytest.mark.parametrize(
    "data",
    [
        manifest_store().replace(b"c2pa", b"c2ma"),
        jpeg(b"c2pa.training-mining", 0xEB),
        jpeg(b"JP\0\1\0\0\0\1" + manifest_store().replace(b"jumdc2pa", b"jumdjson"), 0xEB),
        b"caBX C2PA c2pa jumb jumd",
    ],
)
def test_the_name_alone_is_no_manifest(data: bytes) -> None:
    assert c2pa(data) == []


def test_files_without_such_metadata_have_no_signals() -> None:
    files = [path.read_bytes() for path in FILES.iterdir()]

    assert len(files) > 50
    assert INDEX.exists()
    assert [found(data) for data in files] == [{}] * len(files)


def test_the_property_opts_out_only_where_that_is_respected() -> None:
    data = XMP_FILES["webp"](packet(PROHIBITED))
    for respected in ((), ("noai", "aipref", "tdmrep")):
        signals = OwnerSignals(respected)
        read_head(data, signals)
        signals.check()

    signals = OwnerSignals(("iptc",))
    read_head(data, signals)
    with pytest.raises(RowError) as raised:
        signals.check()
    assert raised.value.reason is Reason.OPT_OUT
    assert raised.value.message == "The image opts out of this use (plus:DataMining: DMI-PROHIBITED)."


pieces = st.sampled_from(
    [
        *(b"xmlns:p='http://ns.useplus.org/ldf/xmp/1.0/'", b"<p:DataMining", b" p:DataMining=", b"</p:DataMining>"),
        *(b"'", b'"', b">", b"/>", b"<", b" ", b"DMI-PROHIBITED", b"\xff\xda", b"\xff", b"\0", b"rdf:resource='x'"),
        *(b"jumdc2pa", b"\xff\xd8", b"ftyp"),
    ]
)


@MANY
@given(st.lists(st.one_of(pieces, st.binary(max_size=20)), max_size=60).map(b"".join), st.booleans())
def test_any_bytes_have_few_short_values(data: bytes, is_jpeg: bool) -> None:
    signals = OwnerSignals()
    read_head(b"\xff\xd8" + data if is_jpeg else data, signals)

    assert set(signals.found) <= {"plus:DataMining", "C2PA"}
    for values in signals.found.values():
        assert 0 < len(values) <= MAX_VALUES
        assert all(0 < len(value) <= 256 and value.isprintable() for value in values)


@MANY
@given(
    st.sampled_from(sorted(FORMS)),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
        lambda name: not re.match("(?i)xml|rdf$|x$", name)
    ),
    st.from_regex(r"DMI-[A-Z]{1,30}", fullmatch=True),
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)
def test_a_packet_is_found_between_any_bytes(
    form: str, prefix: str, value: str, before: bytes, after: bytes, encoding: str
) -> None:
    xmp = packet(VOCABULARY + value, form=form, prefix=prefix).decode().encode(encoding)

    assert data_mining(before + xmp + after) == [VOCABULARY + value]
