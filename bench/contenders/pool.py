"""What one would write oneself: `requests` and `boto3` in a pool of 16 threads, GET and PUT and nothing else.

`python -m bench.contenders.pool`; an image that cannot be had is left out, as one would.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import requests
from botocore.config import Config

from bench.contenders.job import BUCKET, Job, contend

THREADS = 16


def mirror(job: Job) -> None:
    bucket = job.options.get("bucket", BUCKET)
    s3 = boto3.client("s3", endpoint_url=job.endpoint, config=Config(max_pool_connections=THREADS))
    local = threading.local()

    def one(url: str) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.get(url, timeout=30)
        if answer.ok:
            key = "pool/" + url.rpartition("/")[2]
            s3.put_object(Bucket=bucket, Key=key, Body=answer.content, ContentType="image/jpeg")

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(one, job.urls):
            pass


if __name__ == "__main__":
    contend(mirror)
