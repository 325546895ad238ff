"""The obvious solution: `requests` and `boto3` in a pool of 16 threads, with GET and PUT only.

`python -m bench.contenders.pool`. Images that cannot be downloaded are skipped.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import requests
from botocore.config import Config

from bench.contenders.job import BUCKET, Job, run_contender

THREADS = 16


def mirror(job: Job) -> None:
    bucket = job.options.get("bucket", BUCKET)
    s3 = boto3.client("s3", endpoint_url=job.endpoint, config=Config(max_pool_connections=THREADS))
    local = threading.local()

    def mirror_image(url: str) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        response = local.session.get(url, timeout=30)
        if response.ok:
            key = "pool/" + url.rpartition("/")[2]
            s3.put_object(Bucket=bucket, Key=key, Body=response.content, ContentType="image/jpeg")

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(mirror_image, job.urls):
            pass


if __name__ == "__main__":
    run_contender(mirror)
