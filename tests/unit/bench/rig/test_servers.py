"""What contenders ask and write into, over real sockets and real TLS."""

import ssl
import urllib.error
import urllib.request

import boto3
import pytest

from bench.measures.tls import vouched
from bench.rig.origin import latency, origin
from bench.rig.servers import seen
from bench.rig.sink import sink

CREDENTIALS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}


def test_an_origin_serves_images_under_any_number_and_404s() -> None:
    with origin(2, 2000, 3000) as sites:
        bodies = [urllib.request.urlopen(f"{sites[0]}/{path}").read() for path in ("0.jpg", "2.jpg", "once/0.jpg")]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{sites[1]}/missing/1.jpg")
        told = seen(sites[0])

    assert len(sites) == 8
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0].startswith(b"\xff\xd8")
    assert bodies[0].endswith(b"\xff\xd9")
    assert (told.requests, told.last > told.first) == (4, True)


def test_latencies_are_the_same_in_every_run_and_as_long_as_said_on_average() -> None:
    found = [latency(0.2, number) for number in range(2000)]

    assert found == [latency(0.2, number) for number in range(2000)]
    assert sum(found) / len(found) == pytest.approx(0.2, rel=0.05)
    assert max(found) > 0.5


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_boto3_puts_an_object_over_tls_and_reads_it_again(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with vouched() as tls, sink(certificate=tls.certificate) as address:
        s3 = boto3.client("s3", endpoint_url=address, verify=str(tls.authority), **CREDENTIALS)
        s3.put_object(Bucket="b", Key="a.bin", Body=body)

        assert s3.get_object(Bucket="b", Key="a.bin")["Body"].read() == body
        assert seen(address).counts == {"puts": 1, "gets": 1}


def test_nobody_is_fooled_by_a_server_that_only_its_own_authority_vouches_for() -> None:
    with vouched() as tls, origin(1, 2000, 2000, certificate=tls.certificate) as sites:
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            urllib.request.urlopen(f"{sites[0]}/0.jpg")
        trusting = ssl.create_default_context(cafile=str(tls.authority))
        assert urllib.request.urlopen(f"{sites[0]}/0.jpg", context=trusting).status == 200
