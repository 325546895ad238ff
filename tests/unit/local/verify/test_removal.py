"""The removal goes on after a step that fails, and names what is left."""

from typing import Any, ClassVar

from functions.core.model.keys import table_key
from local.verify.created import Created
from local.verify.removal import Removal
from local.verify.runs import Runs, Waiting
from tests.unit.local.verify.fakes import Refusing, stack


class WithoutDelete(Refusing):
    """Lists one version of each key that is asked for, and refuses all else."""

    def get_paginator(self, name: str) -> Any:
        return self if name == "list_object_versions" else super().__getattr__("get_paginator")()

    def paginate(self, **request: Any) -> Any:
        yield {"Versions": [{"Key": request["Prefix"], "VersionId": "1"}]}

    def delete_objects(self, **request: Any) -> Any:
        errors = [{"Key": each["Key"], "Code": "AccessDenied"} for each in request["Delete"]["Objects"]]
        return {"Errors": errors}


def test_each_thing_that_is_left_is_named_with_the_reason() -> None:
    created = Created("verify-12ab")
    created.add_upload("manifests/verify-12ab/csv.csv")
    created.add_run("csv-1", "arn:execution")
    created.add_url("https://name.example/1.png")
    created.queue_url, created.subscription_arn = "https://queue", "arn:subscription"
    refusing = Refusing()
    others = dict.fromkeys(("dynamodb", "sns", "sqs", "stepfunctions"), refusing)
    deployed = stack(s3=WithoutDelete(), **others)
    waiting = Waiting(0, 0)

    problems = Removal(deployed, created, Runs(deployed, created, waiting), waiting).remove()

    assert [problem.partition("(")[0].strip() for problem in problems] == [
        "Not removed: runs that started late. An error occurred",
        "Not removed: the run csv-1. An error occurred",
        "Not removed: images of the run csv-1. An error occurred",
        "Not removed: the index of the run csv-1. An error occurred",
        "Not removed: images of batches that crashed. An error occurred",
        "Not removed: the subscription. An error occurred",
        "Not removed: the queue. An error occurred",
        "Not removed: s3://name/verify/12ab/. AccessDenied.",
        "Not removed: s3://name/runs/csv-1/. AccessDenied.",
        "Not removed: s3://name/manifests/verify-12ab/csv.csv. AccessDenied.",
        "Not removed: rows of the images table. An error occurred",
        "Not removed: records of the runs table. An error occurred",
    ]


def test_nothing_is_left_of_a_check_that_has_created_nothing() -> None:
    class Empty(Refusing):
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            yield {}

    created, waiting = Created(), Waiting(0, 0)
    deployed = stack(s3=Empty(), dynamodb=Refusing(), stepfunctions=Refusing())

    assert Removal(deployed, created, Runs(deployed, created, waiting), waiting).remove() == []


def test_an_object_is_deleted_by_a_caller_who_may_not_list_versions() -> None:
    class WithoutVersions(Refusing):
        deleted: ClassVar[list[Any]] = []

        def delete_objects(self, **request: Any) -> Any:
            self.deleted.extend(request["Delete"]["Objects"])
            return {}

    created, waiting = Created("verify-12ab"), Waiting(0, 0)
    created.add_manifest("submitted/verify-12ab.jsonl")
    s3 = WithoutVersions()
    deployed = stack(s3=s3, dynamodb=Refusing(), stepfunctions=Refusing())

    problems = Removal(deployed, created, Runs(deployed, created, waiting), waiting).remove()

    assert s3.deleted == [{"Key": "submitted/verify-12ab.jsonl"}]
    assert [problem.split(" An ")[0] for problem in problems] == ["Not removed: s3://name/verify/12ab/."]


def test_rows_are_deleted_by_their_keys_also_those_of_long_urls() -> None:
    class Table(Refusing):
        deleted: ClassVar[list[str]] = []

        def batch_get_item(self, **_: Any) -> Any:
            return {"Responses": {}}

        def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803
            self.deleted.extend(each["DeleteRequest"]["Key"]["url"]["S"] for each in RequestItems["name"])
            return {}

    created, waiting = Created("verify-12ab"), Waiting(0, 0)
    short, long = "https://name.example/1.png", f"https://name.example/1.png?X-Amz-Security-Token={'t' * 3000}"
    created.add_url(short)
    created.add_url(long)
    deployed = stack(s3=WithoutDelete(), dynamodb=Table(), stepfunctions=Refusing())

    Removal(deployed, created, Runs(deployed, created, waiting), waiting).remove()

    assert Table.deleted == [short, table_key(long)]
