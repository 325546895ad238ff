"""Files with metadata about the use of an image: XMP packets and C2PA manifest stores, where each format has them."""

import struct
import zlib
from collections.abc import Callable, Mapping

from tests.support import images

NAMESPACE = "http://ns.useplus.org/ldf/xmp/1.0/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

C2PA_UUID = bytes.fromhex("63327061 0011 0010 8000 00aa00389b71")
MANIFEST_BOX_UUID = bytes.fromhex("d8fec3d6 1b0e 483c 9297 5828877ec481")

FORMS: Mapping[str, str] = {
    "attribute": '<rdf:Description rdf:about="" xmlns:{p}="{ns}" {p}:DataMining="{value}"/>',
    "attribute in single quotes": "<rdf:Description rdf:about='' xmlns:{p}='{ns}'\n  {p}:DataMining = '{value}'/>",
    "element": '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining>{value}</{p}:DataMining></rdf:Description>',
    "element on lines of its own": (
        "<rdf:Description xmlns:{p} = '{ns}'>\n<{p}:DataMining\n>\n {value}\n</{p}:DataMining >\n</rdf:Description>"
    ),
    "resource": '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining rdf:resource="{value}"/></rdf:Description>',
    "resource of an element with an end tag": (
        '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining rdf:resource="{value}"></{p}:DataMining></rdf:Description>'
    ),
    "value with a qualifier": (
        '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining rdf:parseType="Resource">'
        "<rdf:value>{value}</rdf:value></{p}:DataMining></rdf:Description>"
    ),
    "bag": (
        '<rdf:Description xmlns:{p}="{ns}"><{p}:DataMining><rdf:Bag><rdf:li>{value}</rdf:li></rdf:Bag>'
        "</{p}:DataMining></rdf:Description>"
    ),
    "default namespace": '<rdf:Description><DataMining xmlns="{ns}">{value}</DataMining></rdf:Description>',
}
"""How RDF in XML can write the property: `p` is the prefix, `ns` the namespace."""


def packet(value: str, *, form: str = "attribute", prefix: str = "plus", namespace: str = NAMESPACE) -> bytes:
    """An XMP packet with the property, as text in UTF-8."""
    description = FORMS[form].format(p=prefix, ns=namespace, value=value)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f'<rdf:RDF xmlns:rdf="{RDF}">\n{description}\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def manifest_store(*assertions: str) -> bytes:
    """A C2PA manifest store: JUMBF boxes with their descriptions, and nothing in the assertions."""
    labels = b"".join(box(b"jumb", box(b"jumd", bytes(16) + b"\x03" + name.encode() + b"\0")) for name in assertions)
    return box(b"jumb", box(b"jumd", C2PA_UUID + b"\x03c2pa\0") + labels)


def jpeg(content: bytes, marker: int = 0xE1, *, before: bytes = b"") -> bytes:
    """With a segment after the first marker."""
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content
    return images.jpeg()[:2] + before + segment + images.jpeg()[2:]


def png(name: bytes, content: bytes, *, late: bool = False) -> bytes:
    """With a chunk before the image data, or after them as exiftool writes it."""
    whole = images.png()
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    at = whole.index(b"IEND" if late else b"IDAT") - 4
    return whole[:at] + chunk + whole[at:]


def webp(name: bytes, content: bytes) -> bytes:
    """In the extended format, with a chunk after the image."""
    picture = images.webp()[12:]
    extended = b"VP8X" + struct.pack("<IB3x", 10, 0x04) + (5).to_bytes(3, "little") + (3).to_bytes(3, "little")
    chunk = name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    chunks = b"WEBP" + extended + picture + chunk
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def gif(application: bytes, blocks: bytes) -> bytes:
    """With an application extension before the image."""
    whole = images.gif()
    at = whole.index(b",", 19)
    return whole[:at] + b"\x21\xff\x0b" + application + blocks + whole[at:]


def gif_xmp(content: bytes) -> bytes:
    """As it is, with the bytes that end every chain of blocks."""
    return gif(b"XMP DataXMP", content + b"\x01" + bytes(range(255, -1, -1)) + b"\0")


def tiff(tag: int, content: bytes) -> bytes:
    """With one more entry, in a new directory at the end."""
    whole = images.tiff()
    (at,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, at)
    entries = whole[at + 2 : at + 2 + 12 * count]
    content += bytes(len(content) % 2)
    directory = struct.pack("<H", count + 1) + entries + struct.pack("<HHII", tag, 1, len(content), len(whole))
    start = struct.pack("<I", len(whole) + len(content))
    return whole[:4] + start + whole[8:] + content + directory + bytes(4)


def avif(content: bytes) -> bytes:
    """With the content in the media data, where items of metadata are."""
    return images.avif() + box(b"mdat", content)


def heic(content: bytes) -> bytes:
    return images.heic() + box(b"mdat", content)


def iso_manifest(content: bytes) -> bytes:
    """An AVIF with the box of C2PA after the file type."""
    whole = images.avif()
    at = int.from_bytes(whole[:4], "big")
    purpose = bytes(4) + b"manifest\0" + bytes(8)
    return whole[:at] + box(b"uuid", MANIFEST_BOX_UUID + purpose + content) + whole[at:]


def jxl(name: bytes, content: bytes) -> bytes:
    return images.jxl() + box(name, content)


XMP_FILES: Mapping[str, Callable[[bytes], bytes]] = {
    "jpeg": lambda xmp: jpeg(b"http://ns.adobe.com/xap/1.0/\0" + xmp),
    "png": lambda xmp: png(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
    "png after its data": lambda xmp: png(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, late=True),
    "webp": lambda xmp: webp(b"XMP ", xmp),
    "gif": gif_xmp,
    "tiff": lambda xmp: tiff(700, xmp),
    "avif": avif,
    "heic": heic,
    "jxl": lambda xmp: jxl(b"xml ", xmp),
}
"""An XMP packet in a file of each format, at the place that the XMP specification or the format names."""

C2PA_FILES: Mapping[str, Callable[[bytes], bytes]] = {
    "jpeg": lambda store: jpeg(b"JP\0\1\0\0\0\1" + store, 0xEB),
    "png": lambda store: png(b"caBX", store),
    "webp": lambda store: webp(b"C2PA", store),
    "gif": lambda store: gif(b"C2PA_GIF\1\0\0", bytes([len(store)]) + store + b"\0"),
    "tiff": lambda store: tiff(0xCD41, store),
    "avif": iso_manifest,
    "jxl": lambda store: jxl(b"jumb", store[8:]),
}
"""A manifest store in a file of each format, as the C2PA specification embeds it (section "Embedding manifests")."""
