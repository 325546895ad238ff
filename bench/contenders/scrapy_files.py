"""Scrapy's FilesPipeline, storing into S3: `python -m bench.contenders.scrapy_files`, in its own environment.

Default settings, except for the concurrency, which is that of img2dataset, and for robots.txt and the log, which are
disabled.
"""

import os
from collections.abc import AsyncIterator, Iterator

import scrapy
from scrapy.crawler import CrawlerProcess

from bench.contenders.job import BUCKET, Job, run_contender

CONCURRENCY = 32


class Images(scrapy.Spider):  # type: ignore[misc]
    name = "images"

    async def start(self) -> AsyncIterator[dict[str, list[str]]]:
        for item in self.items():
            yield item

    def items(self) -> Iterator[dict[str, list[str]]]:
        for url in self.settings["URLS"]:
            yield {"file_urls": [url]}


def mirror(job: Job) -> None:
    process = CrawlerProcess(
        {
            "URLS": job.urls,
            "ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1},
            "FILES_STORE": f"s3://{BUCKET}/scrapy/",
            "AWS_ENDPOINT_URL": job.endpoint,
            "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
            "AWS_REGION_NAME": os.environ["AWS_DEFAULT_REGION"],
            "CONCURRENT_REQUESTS": CONCURRENCY,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
            "CONCURRENT_ITEMS": CONCURRENCY * 4,
            "DOWNLOAD_DELAY": 0,
            "REACTOR_THREADPOOL_MAXSIZE": CONCURRENCY,
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_ENABLED": False,
        }
    )
    process.crawl(Images)
    process.start()


if __name__ == "__main__":
    run_contender(mirror)
