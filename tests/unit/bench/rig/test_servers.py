"""The servers over real sockets and real TLS."""

import ssl
import urllib.error
import urllib.request

import boto3
import pytest

from bench.measures.tls import tls_files
from bench.rig.origin import latency, origin
from bench.rig.servers import take_stats
from bench.rig.sink import sink

CREDENTIALS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}


def test_an_origin_serves_images_under_any_number_and_404s() -> None:
    with origin(2, 2000, 3000) as sites:
        bodies = [urllib.request.urlopen(f"{sites[0]}/{path}").read() for path in ("0.jpg", "2.jpg", "once/0.jpg")]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{sites[1]}/missing/1.jpg")
        stats = take_stats(sites[0])

    assert len(sites) == 8
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0].startswith(b"\xff\xd8")
    assert bodies[0].endswith(b"\xff\xd9")
    assert (stats.requests, stats.last > stats.first) == (4, True)


def test_latencies_are_the_same_in_every_run_and_have_the_mean() -> None:
    latencies = [latency(0.2, number) for number in range(2000)]

    assert latencies == [latency(0.2, number) for number in range(2000)]
    assert sum(latencies) / len(latencies) == pytest.approx(0.2, rel=0.05)
    assert max(latencies) > 0.5


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_boto3_puts_an_object_over_tls_and_reads_it(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with tls_files() as tls, sink(certificate=tls.certificate) as address:
        s3 = boto3.client("s3", endpoint_url=address, verify=str(tls.authority), **CREDENTIALS)
        s3.put_object(Bucket="b", Key="a.bin", Body=body)

        assert s3.get_object(Bucket="b", Key="a.bin")["Body"].read() == body
        assert take_stats(address).counts == {"puts": 1, "gets": 1}


def test_a_client_without_the_authority_does_not_trust_the_server() -> None:
    with tls_files() as tls, origin(1, 2000, 2000, certificate=tls.certificate) as sites:
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            urllib.request.urlopen(f"{sites[0]}/0.jpg")
        trusting = ssl.create_default_context(cafile=str(tls.authority))
        assert urllib.request.urlopen(f"{sites[0]}/0.jpg", context=trusting).status == 200
