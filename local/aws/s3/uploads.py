"""Operations on multipart uploads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from xml.etree.ElementTree import Element

from local.aws.s3.conditions import write_condition
from local.aws.s3.documents import Node, iso, number, parsed
from local.aws.s3.listing import encoder
from local.aws.s3.objects import ObjectOperations
from local.aws.s3.requests import (
    Answer,
    Request,
    checksum_headers,
    kept_headers,
    now,
    received,
    received_document,
    version_header,
    xml_answer,
)
from local.aws.store.checksums import ALGORITHMS, PREFIX
from local.aws.store.errors import S3Error
from local.aws.store.files import Content
from local.aws.store.multipart import (
    CHECKSUM_TYPE,
    COMPOSITE,
    FULL_OBJECT,
    MAX_PARTS,
    ChosenPart,
    Part,
    Upload,
    Uploads,
)
from local.aws.store.objects import ObjectStore

ALGORITHM = f"{PREFIX}algorithm"
MAX_LISTED = 1000


class UploadOperations:
    def __init__(self, store: ObjectStore, objects: ObjectOperations) -> None:
        self._store = store
        self._objects = objects
        self._uploads = Uploads(store.temporary_file)

    def create(self, request: Request) -> Answer:
        self._store.list_keys(request.bucket, "", "", 0)  # raises NoSuchBucket
        algorithm, checksum_type = _checksum_kind(request.headers)
        headers = kept_headers(request.headers)
        upload = self._uploads.create(request.bucket, request.key, headers, algorithm, checksum_type)
        result: dict[str, Node | None] = {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.id}
        kinds = {ALGORITHM: algorithm.upper(), CHECKSUM_TYPE: checksum_type} if algorithm else {}
        return xml_answer("InitiateMultipartUploadResult", result, kinds)

    def put_part(self, request: Request) -> Answer:
        upload, part_number = self._upload(request), _part_number(request)
        body = received(request, self._store)
        checksum = body.checksums.get(PREFIX + upload.algorithm, "")
        if upload.algorithm and not checksum:
            body.content.path.unlink()
            raise S3Error(
                "InvalidRequest",
                "Checksum Type mismatch occurred,"
                f" expected checksum Type: {upload.algorithm}, actual checksum Type: null",
            )
        self._add(upload, part_number, body.content, checksum)
        return Answer(HTTPStatus.OK, {"etag": f'"{body.content.md5}"', **body.checksums})

    def copy_part(self, request: Request) -> Answer:
        upload, part_number = self._upload(request), _part_number(request)
        part_range = request.headers.get("x-amz-copy-source-range", "")
        _, content, checksums = self._objects.copied(request, part_range, upload.algorithm)
        checksum = checksums.get(PREFIX + upload.algorithm, "")
        self._add(upload, part_number, content, checksum)
        result: dict[str, Node | None] = {"LastModified": iso(now()), "ETag": f'"{content.md5}"'}
        return xml_answer("CopyPartResult", result | _checksum_element(upload, checksum))

    def complete(self, request: Request) -> Answer:
        upload = self._upload(request)
        condition = write_condition(request.headers)
        root = parsed(received_document(request, self._store, checksums=False))
        chosen = [_chosen(part, upload.algorithm) for part in root.iter("Part")]
        expected = request.headers.get(PREFIX + upload.algorithm, "") if upload.algorithm else ""
        content, checksums = self._uploads.joined(upload, chosen, expected)
        size = request.headers.get("x-amz-mp-object-size", str(content.size))
        if size != str(content.size):
            content.path.unlink()
            raise S3Error(
                "InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed."
            )
        headers = {**upload.headers, **checksums}
        event = "ObjectCreated:CompleteMultipartUpload"
        stored = self._store.put(request.bucket, request.key, content, headers, condition, event)
        self._uploads.remove(upload)
        result: dict[str, Node | None] = {
            "Location": f"/{request.bucket}/{request.key}",
            "Bucket": request.bucket,
            "Key": request.key,
            "ETag": f'"{stored.etag}"',
        }
        found = checksum_headers(checksums)
        kinds: dict[str, Node] = {"ChecksumType": found[CHECKSUM_TYPE]} if found else {}
        kinds |= _checksum_element(upload, found.get(PREFIX + upload.algorithm, ""))
        return xml_answer("CompleteMultipartUploadResult", result | kinds, version_header(stored))

    def abort(self, request: Request) -> Answer:
        self._uploads.remove(self._upload(request))
        return Answer(HTTPStatus.NO_CONTENT)

    def list_parts(self, request: Request) -> Answer:
        upload = self._upload(request)
        after = number(request.query.get("part-number-marker", "0"))
        count = min(number(request.query.get("max-parts", str(MAX_LISTED))), MAX_LISTED)
        found = [(key, part) for key, part in sorted(upload.parts.items()) if key > after]
        listed = found[:count]
        return xml_answer(
            "ListPartsResult",
            {
                "Bucket": upload.bucket,
                "Key": upload.key,
                "UploadId": upload.id,
                "PartNumberMarker": after,
                "NextPartNumberMarker": listed[-1][0] if listed else 0,
                "MaxParts": count,
                "IsTruncated": len(found) > count,
                "ChecksumAlgorithm": upload.algorithm.upper() or None,
                "Part": [_listed_part(upload, key, part) for key, part in listed],
            },
        )

    def list_uploads(self, request: Request) -> Answer:
        self._store.list_keys(request.bucket, "", "", 0)  # raises NoSuchBucket
        query = request.query
        if "delimiter" in query:
            raise S3Error("NotImplemented", "The local AWS does not implement a delimiter in a list of uploads.")
        encode = encoder(query)
        marker = (query.get("key-marker", ""), query.get("upload-id-marker", ""))
        count = min(number(query.get("max-uploads", str(MAX_LISTED))), MAX_LISTED)
        found = _after(self._uploads.of_bucket(request.bucket, query.get("prefix", "")), *marker)
        last = found[:count][-1:]
        return xml_answer(
            "ListMultipartUploadsResult",
            {
                "Bucket": request.bucket,
                "KeyMarker": encode(marker[0]),
                "UploadIdMarker": marker[1],
                "NextKeyMarker": encode(last[0].key) if last else "",
                "NextUploadIdMarker": last[0].id if last else "",
                "Prefix": encode(query.get("prefix", "")),
                "EncodingType": query.get("encoding-type"),
                "MaxUploads": count,
                "IsTruncated": len(found) > count,
                "Upload": [_listed_upload(each, encode) for each in found[:count]],
            },
        )

    def _upload(self, request: Request) -> Upload:
        return self._uploads.get(request.bucket, request.key, request.query["uploadId"])

    def _add(self, upload: Upload, part_number: int, content: Content, checksum: str) -> None:
        self._uploads.add(upload, part_number, Part(content, checksum, now()))


def _checksum_kind(headers: Mapping[str, str]) -> tuple[str, str]:
    """Algorithm and type of an upload's checksum. Raises S3Error(InvalidRequest)."""
    algorithm = headers.get(ALGORITHM, "").lower()
    if not algorithm:
        return "", ""
    kind = headers.get(CHECKSUM_TYPE, FULL_OBJECT if algorithm == "crc64nvme" else COMPOSITE).upper()
    possible = (
        {FULL_OBJECT} if algorithm == "crc64nvme" else {COMPOSITE} if "sha" in algorithm else {FULL_OBJECT, COMPOSITE}
    )
    if algorithm not in ALGORITHMS:
        raise S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.")
    if kind not in possible:
        raise S3Error(
            "InvalidRequest", f"The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        )
    return algorithm, kind


def _part_number(request: Request) -> int:
    text = request.query.get("partNumber", "")
    if not (text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= MAX_PARTS):
        raise S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    return int(text)


def _chosen(part: Element, algorithm: str) -> ChosenPart:
    checksum = part.findtext(f"Checksum{algorithm.upper()}") if algorithm else ""
    return ChosenPart(number(part.findtext("PartNumber") or ""), part.findtext("ETag") or "", checksum or "")


def _checksum_element(upload: Upload, checksum: str) -> dict[str, Node]:
    return {f"Checksum{upload.algorithm.upper()}": checksum} if checksum else {}


def _listed_part(upload: Upload, part_number: int, part: Part) -> dict[str, Node]:
    return {
        "PartNumber": part_number,
        "LastModified": iso(part.modified),
        "ETag": f'"{part.content.md5}"',
        "Size": part.content.size,
        **_checksum_element(upload, part.checksum),
    }


def _listed_upload(upload: Upload, encode: Callable[[str], str]) -> dict[str, Node]:
    return {
        "Key": encode(upload.key),
        "UploadId": upload.id,
        "Initiated": iso(upload.started),
        "StorageClass": "STANDARD",
    }


def _after(uploads: list[Upload], key: str, upload_id: str) -> list[Upload]:
    """The uploads after the markers, which are those of the last page."""
    if not key:
        return uploads
    ids = [each.id for each in uploads]
    if upload_id in ids:
        return uploads[ids.index(upload_id) + 1 :]
    return [each for each in uploads if each.key > key]
