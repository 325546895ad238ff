"""A process that writes items to a durable table until it is killed, and prints the number of each written item."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from local.aws import backend
from local.aws.backend import ACCOUNT, REGION
from local.aws_settings import without_aws_settings

with without_aws_settings():
    from moto.dynamodb.models import dynamodb_backends


def main(path: Path) -> None:
    database: Any = dynamodb_backends[ACCOUNT][REGION]
    schema = [{"AttributeName": "url", "KeyType": "HASH"}]
    kinds = [{"AttributeName": "url", "AttributeType": "S"}]
    database.create_table("images", schema, None, kinds, None, None, None, "PAY_PER_REQUEST", None, [], False, None)
    backend.open_tables(path, ["images"])
    for number in itertools.count(1):
        database.put_item("images", {"url": {"S": f"https://a/{number}"}, "padding": {"S": "x" * 300}}, overwrite=True)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
