"""The folders of all runs, `runs/ID/` in the input bucket."""

from typing import TYPE_CHECKING

from functions.adapters.errors import AWS_ERRORS, failure_message
from functions.adapters.s3.reading import READ_ERRORS, read_object
from functions.core.model.errors import StorageFault
from functions.core.model.ports import RunFolder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3RunFolders:
    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def find(self, run_id: str) -> RunFolder:
        """By one request: a run has about a hundred files at most, apart from those in the folders of its folder.

        Raises StorageFault.
        """
        prefix = f"runs/{run_id}/"
        try:
            found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, Delimiter="/")
        except AWS_ERRORS as error:
            raise StorageFault(failure_message("S3 ListObjectsV2", error, prefix)) from error
        return RunFolder(
            {each["Key"].removeprefix(prefix): each["Size"] for each in found.get("Contents", [])},
            {each["Prefix"].removeprefix(prefix) for each in found.get("CommonPrefixes", [])},
        )

    def read(self, run_id: str, name: str) -> str:
        """The text of a file in UTF-8. Raises StorageFault."""
        key = f"runs/{run_id}/{name}"
        try:
            content = b"".join(read_object(self._s3, {"Bucket": self._bucket, "Key": key}))
        except READ_ERRORS as error:
            raise StorageFault(failure_message("S3 GetObject", error, key)) from error
        return content.decode("utf-8", "replace")
