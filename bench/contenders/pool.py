"""What one would write oneself: `requests` and `boto3` in a pool of 16 threads, GET and PUT and nothing else.

`python -m bench.pool ENDPOINT BUCKET URL…` reads URLs from standard input and prints the seconds it took.
"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import requests
from botocore.config import Config

THREADS = 16


def mirror(endpoint: str, bucket: str, urls: list[str]) -> float:
    """Seconds, from the first GET to the last PUT."""
    s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(max_pool_connections=THREADS))
    local = threading.local()

    def one(url: str) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.get(url, timeout=30)
        answer.raise_for_status()
        s3.put_object(
            Bucket=bucket, Key="pool/" + url.rpartition("/")[2], Body=answer.content, ContentType="image/jpeg"
        )

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(one, urls):
            pass
    return time.perf_counter() - started


if __name__ == "__main__":
    print(mirror(sys.argv[1], sys.argv[2], sys.stdin.read().split()))
