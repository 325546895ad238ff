"""The object store in front of moto, used by the clients that people have: aws, boto3, rclone, s3cmd, curl."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.adapters.s3.presigned_links import S3PresignedLinks, signer
from local.aws import backend
from local.aws.http.server import Server
from local.aws.s3.api import S3Api
from local.aws.s3.wsgi import ObjectsApp
from local.aws.store.objects import ObjectStore
from tests.support.debian import NotInstalledError, program
from tests.support.object_store import Buckets

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY, SECRET = "AKIDLOCALLOCAL000000", "a/secret+of=the cloud".replace(" ", "")
AWS = Path(sys.executable).with_name("aws")
LARGE = bytes(range(256)) * 80_000
"""20 MB."""


class Front:
    """Requests about objects go to the store, all others to moto."""

    def __init__(self, objects: ObjectsApp) -> None:
        self._objects = objects
        self._other = backend.application()
        self.to_moto: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._objects.is_ours(environ):
            return self._objects(environ, start_response)
        self.to_moto.append(f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}")
        return self._other(environ, start_response)


@dataclass
class Running:
    endpoint: str
    out: Path
    work: Path
    front: Front

    @property
    def host(self) -> str:
        return self.endpoint.removeprefix("http://")

    @property
    def environment(self) -> dict[str, str]:
        names = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
        clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("AWS_")}
        clean = {name: value for name, value in clean.items() if not name.upper().endswith("_PROXY")}
        return {**clean, **names, "AWS_ENDPOINT_URL": self.endpoint, "HOME": str(self.work), "AWS_MAX_ATTEMPTS": "1"}

    def run(self, *command: str | Path, check: bool = True, **variables: str) -> str:
        """The output of a client."""
        environment = self.environment | variables
        done = subprocess.run(
            [str(part) for part in command], env=environment, cwd=self.work, capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout if check else done.stdout + done.stderr

    def aws(self, *command: str | Path, check: bool = True, **variables: str) -> str:
        return self.run(AWS, "s3", *command, check=check, **variables)

    def api(self, *command: str | Path, check: bool = True) -> str:
        return self.run(AWS, "s3api", *command, "--output", "text", check=check)

    def file(self, name: str, content: bytes) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    backend.reset()
    out, work = tmp_path / "out", tmp_path / "work"
    work.mkdir()
    store = ObjectStore(out, Buckets(out))
    front = Front(ObjectsApp(S3Api(store, {KEY: SECRET}.get)))
    server = Server()
    server.start(front)
    running = Running(server.endpoint, out, work, front)
    with_client(running, _create_buckets)
    yield running
    server.stop()
    left = list((out / ".partial-").iterdir())
    store.close()
    backend.reset()
    assert left == []


def _create_buckets(s3: Any) -> None:
    s3.create_bucket(Bucket="images")
    s3.create_bucket(Bucket="input")
    s3.put_bucket_versioning(Bucket="input", VersioningConfiguration={"Status": "Enabled"})


def client(running: Running, secret: str = SECRET) -> Any:
    session: Any = boto3.Session(KEY, secret, region_name="us-east-1")
    config = Config(proxies={}, retries={"total_max_attempts": 1}, signature_version="s3v4")
    return session.client("s3", endpoint_url=running.endpoint, config=config)


def with_client(running: Running, use: Any) -> None:
    s3 = client(running)
    use(s3)
    s3.close()


@pytest.fixture
def s3(running: Running) -> Iterator[Any]:
    s3 = client(running)
    yield s3
    s3.close()


def debian(name: str) -> str:
    try:
        return program(name)
    except NotInstalledError as error:
        pytest.skip(str(error))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SOURCE = {"a.txt": b"a", "b c/d+e.txt": b"d" * 9000, "b c/é.txt": b"", "z/large.bin": LARGE}


def make_source(running: Running) -> Path:
    for name, content in SOURCE.items():
        running.file(f"source/{name}", content)
    return running.work / "source"


def test_aws_copies_files_in_both_directions_large_ones_in_parts(running: Running) -> None:
    large = running.file("large.bin", LARGE)
    running.aws("cp", large, "s3://images/large.bin", "--metadata", "who=me")
    running.aws("cp", "s3://images/large.bin", "s3://images/copy.bin")
    running.aws("cp", "s3://images/copy.bin", "back.bin")

    assert (running.work / "back.bin").read_bytes() == LARGE
    assert (running.out / "images" / "large.bin").read_bytes() == LARGE
    head = running.api("head-object", "--bucket", "images", "--key", "large.bin", "--query", "[ETag,Metadata.who]")
    assert head.split()[0].endswith('-3"')
    assert head.split()[1] == "me"
    running.api("get-object", "--bucket", "images", "--key", "large.bin", "--range", "bytes=1000-1999", "part")
    assert (running.work / "part").read_bytes() == LARGE[1000:2000]


def test_aws_reads_a_body_from_standard_input(running: Running) -> None:
    done = subprocess.run(
        [str(AWS), "s3", "cp", "-", "s3://images/from/pipe"], env=running.environment, input=b"piped", timeout=60
    )
    assert done.returncode == 0
    assert running.aws("cp", "s3://images/from/pipe", "-") == "piped"


def test_aws_sync_sends_what_is_new_and_deletes_what_is_gone(running: Running) -> None:
    source = make_source(running)
    first = running.aws("sync", source, "s3://images/x")
    assert first.count("upload:") == len(SOURCE)
    assert running.aws("sync", source, "s3://images/x") == ""
    assert "b c/" in running.aws("ls", "s3://images/x/")
    listed = running.aws("ls", "--recursive", "s3://images/x/").splitlines()
    assert [line[31:] for line in listed] == sorted((f"x/{name}" for name in SOURCE), key=str.encode)
    running.aws("sync", "s3://images/x", "back")
    assert tree(running.work / "back") == SOURCE
    (source / "a.txt").unlink()
    assert "delete: s3://images/x/a.txt" in running.aws("sync", "--delete", source, "s3://images/x")
    running.aws("rm", "--recursive", "s3://images/x")
    assert "Contents" not in running.api("list-objects-v2", "--bucket", "images")
    assert tree(running.out / "images") == {}


def test_aws_lists_and_removes_versions(running: Running) -> None:
    for content in (b"1", b"22"):
        running.aws("cp", running.file("m", content), "s3://input/m.csv")
    running.aws("rm", "s3://input/m.csv")

    sizes = running.api(
        "list-object-versions", "--bucket", "input", "--query", "[Versions[].Size, DeleteMarkers[].Key]"
    )
    assert sizes.split() == ["2", "1", "m.csv"]
    ids = running.api("list-object-versions", "--bucket", "input", "--query", "Versions[].VersionId").split()
    running.api("get-object", "--bucket", "input", "--key", "m.csv", "--version-id", ids[1], "old")
    assert (running.work / "old").read_bytes() == b"1"
    assert running.api("get-bucket-versioning", "--bucket", "input").strip() == "Enabled"
    assert any(target.startswith("GET /input?versioning") for target in running.front.to_moto)


def test_a_presigned_link_of_aws_works_until_it_expires(running: Running) -> None:
    running.file(".aws/config", b"[default]\ns3 =\n    signature_version = s3v4\n")  # not the default of aws 1
    running.aws("cp", running.file("a", b"text"), "s3://images/a b+c.txt")
    link = running.aws("presign", "s3://images/a b+c.txt", "--expires-in", "300").strip()
    short = running.aws("presign", "s3://images/a b+c.txt", "--expires-in", "1").strip()

    assert requests.get(link).content == b"text"
    assert requests.get(link, headers={"Range": "bytes=1-2"}).content == b"ex"
    assert requests.delete(link).status_code == 403
    deadline = time.monotonic() + 10
    while (answer := requests.get(short)).status_code == 200:
        assert time.monotonic() < deadline
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


def test_a_wrong_secret_is_refused(running: Running) -> None:
    running.aws("cp", running.file("a", b"1"), "s3://images/a")
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong"}

    assert "SignatureDoesNotMatch" in running.aws("cp", "a", "s3://images/b", check=False, **wrong)
    assert "403" in running.aws("cp", "s3://images/a", "c", check=False, **wrong)
    assert "SignatureDoesNotMatch" in running.aws("ls", "s3://images/", check=False, **wrong)
    assert tree(running.out / "images") == {"a": b"1"}


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_aws_sends_each_checksum_and_gets_it_back(running: Running, name: str) -> None:
    if name in ("CRC32C", "CRC64NVME"):
        pytest.importorskip("awscrt", reason=f"botocore computes {name} with awscrt only")
    body = running.file("body", b"123456789" * 1000)
    running.api("put-object", "--bucket", "images", "--key", "a", "--body", body, "--checksum-algorithm", name)

    command = ("head-object", "--bucket", "images", "--key", "a", "--checksum-mode", "ENABLED")
    assert running.api(*command, "--query", f"Checksum{name}").strip() not in ("", "None")
    running.api("get-object", "--bucket", "images", "--key", "a", "--checksum-mode", "ENABLED", "back")
    assert (running.work / "back").read_bytes() == body.read_bytes()


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(running: Running) -> None:
    body = running.file("body", b"body")
    command = ("put-object", "--bucket", "images", "--key", "a", "--body", body)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    assert "BadDigest" in running.api(*command, "--checksum-sha256", wrong, check=False)
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert "BadDigest" in running.api(*command, "--content-md5", md5, check=False)
    assert tree(running.out / "images") == {}


def test_conditions_of_a_put_hold(running: Running) -> None:
    command = ("put-object", "--bucket", "images", "--key", "a", "--body", running.file("body", b"body"))
    etag = running.api(*command, "--if-none-match", "*", "--query", "ETag").strip()

    assert "PreconditionFailed" in running.api(*command, "--if-none-match", "*", check=False)
    assert "PreconditionFailed" in running.api(*command, "--if-match", '"other"', check=False)
    running.api(*command, "--if-match", etag)


def test_of_many_conditional_puts_at_a_time_one_succeeds(running: Running, s3: Any) -> None:
    results: list[str] = []
    barrier = threading.Barrier(8)

    def put(number: int) -> None:
        barrier.wait()
        try:
            s3.put_object(Bucket="images", Key="one", Body=str(number).encode() * 1000, IfNoneMatch="*")
            results.append("stored")
        except ClientError as error:
            results.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["PreconditionFailed"] * 7 + ["stored"]


def test_boto3_with_its_default_checksums(running: Running, s3: Any) -> None:
    for key, content in SOURCE.items():
        s3.upload_file(str(running.file("body", content)), "input", key)
        s3.download_file("input", key, str(running.work / "back"))
        assert (running.work / "back").read_bytes() == content
    copy = {"Bucket": "input", "Key": "z/large.bin"}
    s3.copy(copy, "images", "copied")
    assert s3.get_object(Bucket="images", Key="copied")["Body"].read() == LARGE
    head = s3.head_object(Bucket="input", Key="z/large.bin", ChecksumMode="ENABLED")
    assert (head["ChecksumType"], head["ChecksumCRC32"][-2:]) == ("COMPOSITE", "-3")


def test_settings_of_a_bucket_are_answered_by_moto(running: Running, s3: Any) -> None:
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {"images", "input"}
    s3.head_bucket(Bucket="images")
    assert s3.get_bucket_location(Bucket="images")["LocationConstraint"] is None
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "runs/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="input", LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket="input")["Rules"][0]["Filter"] == {"Prefix": "runs/"}
    assert s3.list_multipart_uploads(Bucket="images").get("Uploads", []) == []
    assert "GET /images?uploads" not in running.front.to_moto


def test_a_form_upload_of_a_browser_is_not_implemented(running: Running) -> None:
    answer = requests.post(f"{running.endpoint}/images", files={"file": b"1"}, data={"key": "a"})

    assert answer.status_code == 403
    assert tree(running.out) == {} or not list((running.out / "images").glob("*"))


@pytest.fixture
def rclone(running: Running) -> Any:
    path = debian("rclone")
    config = running.file(
        "rclone.conf",
        f"[s3]\ntype = s3\nprovider = Other\nregion = us-east-1\nendpoint = {running.endpoint}\n"
        f"access_key_id = {KEY}\nsecret_access_key = {SECRET}\nchunk_size = 5Mi\nupload_cutoff = 8Mi\n".encode(),
    )
    return lambda *command, **options: running.run(
        path, "--config", config, "--retries", "1", "--low-level-retries", "1", *command, **options
    )


def test_rclone_copies_checks_and_deletes(running: Running, rclone: Any) -> None:
    source = make_source(running)
    rclone("copy", source, "s3:images/x")
    rclone("check", "--download", source, "s3:images/x")
    assert "0 differences" in rclone("check", source, "s3:images/x", "-v", check=False)
    rclone("copyto", "s3:images/x/z/large.bin", "s3:images/y/large.bin")
    rclone("copy", "s3:images/x", "back")
    assert tree(running.work / "back") == SOURCE
    assert sorted(rclone("lsf", "-R", "--files-only", "s3:images").splitlines()) == sorted(
        [*(f"x/{name}" for name in SOURCE), "y/large.bin"]
    )
    assert "images/" in rclone("lsf", "s3:")
    link = rclone("link", "--expire", "5m", "s3:images/x/a.txt").strip()
    assert requests.get(link).content == b"a"
    rclone("purge", "s3:images/x")
    assert tree(running.out / "images").keys() == {"y/large.bin"}
    assert rclone("cat", "--offset", "10", "--count", "5", "s3:images/y/large.bin", check=False) != ""


@pytest.fixture
def s3cmd(running: Running) -> Any:
    path = debian("s3cmd")
    config = running.file(
        "s3cfg",
        f"[default]\naccess_key = {KEY}\nsecret_key = {SECRET}\n"
        f"host_base = {running.host}\nhost_bucket = {running.host}\n"
        "use_https = False\nsignature_v2 = False\nbucket_location = us-east-1\nmultipart_chunk_size_mb = 5\n"
        "max_retries = 1\n".encode(),
    )
    return lambda *command, **options: running.run(path, "--config", config, "--no-progress", *command, **options)


def test_s3cmd_copies_lists_signs_and_deletes(running: Running, s3cmd: Any) -> None:
    source = make_source(running)
    s3cmd("sync", f"{source}/", "s3://images/x/")
    s3cmd("put", source / "z" / "large.bin", "s3://images/large.bin")
    s3cmd("get", "s3://images/large.bin", "back.bin")
    assert (running.work / "back.bin").read_bytes() == LARGE
    s3cmd("cp", "s3://images/x/a.txt", "s3://images/y/a.txt")
    assert "s3://images/y/a.txt" in s3cmd("ls", "--recursive", "s3://images/")
    assert "DIR" in s3cmd("ls", "s3://images/")
    assert "s3://images" in s3cmd("ls")
    assert "File size: 1" in s3cmd("info", "s3://images/x/a.txt").replace("  ", " ")
    link = s3cmd("signurl", "s3://images/x/a.txt", "+300").strip()
    assert requests.get(link).status_code in (200, 501)  # signature version 2 in this release of s3cmd
    s3cmd("sync", "s3://images/x/", f"{running.work / 'back'}/")
    assert tree(running.work / "back") == SOURCE
    s3cmd("del", "--recursive", "--force", "s3://images/x/")
    assert tree(running.out / "images").keys() == {"large.bin", "y/a.txt"}


def curl(running: Running, *command: str, secret: str = SECRET, check: bool = True) -> str:
    signed = ("--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{KEY}:{secret}", "--noproxy", "*")
    payload = ("--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD")
    return running.run(debian("curl"), "--silent", "--show-error", *signed, *payload, *command, check=check)


def test_curl_signs_its_requests(running: Running) -> None:
    body = running.file("body", b"from curl")
    target = f"{running.endpoint}/images/from/curl.txt"
    assert curl(running, "--fail", "--upload-file", str(body), target) == ""

    assert curl(running, target) == "from curl"
    assert curl(running, "--range", "5-8", target) == "curl"
    assert "SignatureDoesNotMatch" in curl(running, target, secret="wrong")
    assert "AccessDenied" in running.run(debian("curl"), "--silent", "--noproxy", "*", target)
    assert "<Key>from/curl.txt</Key>" in curl(running, f"{running.endpoint}/images")


def test_curl_uploads_and_downloads_by_links_of_the_functions(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that S3 redirected would upload nothing, and curl would succeed."""
    for name, value in {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it may have the credentials of an earlier test
    signer.cache_clear()
    links = S3PresignedLinks(signer(), "images")
    signer.cache_clear()
    body = running.file("body", b"from curl")
    metadata = ("--header", "x-amz-meta-base-url: https://x/")
    options = ("--silent", "--show-error", "--fail", "--noproxy", "*")

    upload = links.for_upload("a b+c.csv", {"base-url": "https://x/"})
    running.run(debian("curl"), *options, *metadata, "--upload-file", str(body), upload)

    assert running.run(debian("curl"), *options, links.for_download("a b+c.csv")) == "from curl"
