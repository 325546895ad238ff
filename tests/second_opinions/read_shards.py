"""Reads the shards of a run with the packages that read them for training: webdataset, and datasets of Hugging Face.

They are no requirements of the project:

    uv run --no-project --with webdataset --with datasets --with pillow \\
        python tests/second_opinions/read_shards.py out/images/shards/RUN

Every image must have the SHA-256 in its description, also where it is read by its offset, and both packages must have
each row once. Prints a line for each check.
"""

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIDES = ("__key__", "__url__", "__local_path__", "json")


def descriptions(shards: list[str]) -> Iterator[dict[str, Any]]:  # Any: JSON
    """Each description with `offset`, `path` and `name` of its image, by the tarfile of Python."""
    for path in shards:
        with tarfile.open(path, "r:") as tar:
            image = None
            for member in tar:
                if member.name.count(".") == 1 and member.name.endswith(".json"):
                    assert image is not None
                    file = tar.extractfile(member)
                    assert file is not None
                    yield {**json.load(file), "path": path, "offset": image.offset_data, "name": image.name}
                else:
                    image = member


def check_offsets(expected: dict[int, dict[str, Any]]) -> str:
    for each in expected.values():
        with Path(each["path"]).open("rb") as shard:
            shard.seek(each["offset"])
            assert hashlib.sha256(shard.read(each["bytes"])).hexdigest() == each["sha256"], each
    return "each range has the SHA-256 of its row"


def check_webdataset(shards: list[str], expected: dict[int, dict[str, Any]]) -> str:
    import webdataset

    rows = []
    for sample in webdataset.WebDataset(shards, shardshuffle=False):
        description = json.loads(sample["json"])
        (image,) = (value for name, value in sample.items() if name not in SIDES)
        assert hashlib.sha256(image).hexdigest() == description["sha256"]
        rows.append(description["row"])
    assert sorted(rows) == sorted(expected)
    return f"webdataset {webdataset.__version__}: {len(rows)} samples"


def check_datasets(shards: list[str], expected: dict[int, dict[str, Any]], *, streaming: bool) -> str:
    import datasets

    types = sorted({each["name"].partition(".")[2] for each in expected.values()})
    text = datasets.Value("string")
    features = datasets.Features(
        {
            "__key__": text,
            "__url__": text,
            "json": {"row": datasets.Value("int64"), "sha256": text},
            **{name: datasets.Image(decode=False) for name in types},
        }
    )
    data = datasets.load_dataset(
        "webdataset", data_files={"train": shards}, split="train", features=features, streaming=streaming
    )
    rows = []
    for sample in data:
        (image,) = (sample[name]["bytes"] for name in types if sample[name] is not None)
        assert hashlib.sha256(image).hexdigest() == sample["json"]["sha256"]
        rows.append(sample["json"]["row"])
    assert sorted(rows) == sorted(expected)
    return f"datasets {datasets.__version__}{', streaming' if streaming else ''}: {len(rows)} samples"


def main(folder: str) -> None:
    shards = sorted(map(str, Path(folder).glob("*.tar")))
    expected = {each["row"]: each for each in descriptions(shards)}
    print(f"tarfile: {len(expected)} images in {len(shards)} shards")  # noqa: T201 - a program
    for line in (
        check_offsets(expected),
        check_webdataset(shards, expected),
        check_datasets(shards, expected, streaming=True),
        check_datasets(shards, expected, streaming=False),
    ):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
