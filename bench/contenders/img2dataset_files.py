"""img2dataset, writing one S3 object per image: `python -m bench.contenders.img2dataset_files`, in its own environment.

One process, without resizing or re-encoding. It also writes a JSON object for each image, which cannot be disabled.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import fsspec
from img2dataset import download

from bench.contenders.job import BUCKET, Job, run_contender

THREADS = 32


def mirror(job: Job) -> None:
    os.environ["AWS_ENDPOINT_URL"] = job.endpoint
    fsspec.config.conf["s3"] = {"endpoint_url": job.endpoint}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        urls = Path(folder, "urls.txt")
        urls.write_text("\n".join(job.urls) + "\n")
        download(
            url_list=str(urls),
            output_folder=f"s3://{BUCKET}/img2dataset",
            output_format="files",
            processes_count=1,
            thread_count=THREADS,
            resize_mode="no",
            disable_all_reencoding=True,
            number_sample_per_shard=1000,
            enable_wandb=False,
        )


if __name__ == "__main__":
    run_contender(mirror)
