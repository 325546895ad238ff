"""`./image-mirror destroy`: deletes the stack. What CloudFormation could not delete is found before it starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdk.account import assembly, aws, cdk_cli
from cdk.account.aws import Account, Clients, Working
from cdk.account.buckets import LISTED_AT_ONCE, count_objects, empty, stack_buckets
from cdk.account.errors import AccountError
from cdk.settings import DEFAULT_STACK_NAME

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

Confirm = Callable[[str], bool]
"""Asks a question that is answered with yes or no."""

Print = Callable[[str], object]

MAX_COUNTED = 1_000_000
"""Objects are counted up to this number before a confirmation: each thousand is a request."""


@dataclass(frozen=True)
class Contents:
    """What a deletion of the stack meets: the number of objects in each bucket that would be deleted and is not empty,
    and the buckets that are kept."""

    objects: dict[str, int]
    kept: list[str]


def destroy(
    stack_name: str,
    arguments: Sequence[str],
    *,
    with_objects: bool,
    confirm: Confirm | None,
    show: Print,
    working: Working,
) -> int:
    """Returns the exit status of the CDK CLI, which gets the arguments. Raises AccountError.

    `with_objects` empties the buckets that the stack deletes. Without `confirm`, nothing is asked.
    """
    account = aws.account(arguments)
    with aws.aws_errors():
        found = checked(account, stack_name, with_objects=with_objects, confirm=confirm, working=working)
    confirmed = () if confirm and not with_objects else ("--force",)
    with tempfile.TemporaryDirectory() as folder:
        with working("Synthesizing the stack"):
            app = assembly.synthesize({"stack_name": stack_name}, Path(folder), bundled=False)
            cdk_cli.install()
        with aws.aws_errors(), working("Deleting the objects of the buckets"):
            empty_buckets(account.client, found, show)
        status = cdk_cli.run("destroy", *confirmed, *arguments, assembly=app)
    if status == 0:
        for bucket in found.kept:
            show(f"The bucket {bucket} is kept, with its objects.")
    return status


def checked(
    account: Account,
    stack_name: str,
    *,
    with_objects: bool,
    confirm: Confirm | None,
    working: Working = nullcontext,
) -> Contents:
    """Raises AccountError if the stack cannot be deleted as it is, or the user does not confirm that objects are."""
    limit = MAX_COUNTED if with_objects else LISTED_AT_ONCE
    with working(f"Counting the objects of the stack {stack_name}"):
        found = contents(account, stack_name, limit)
    if found.objects and not with_objects:
        raise AccountError(_refusal(stack_name, found.objects))
    if with_objects and confirm and not confirm(_question(account, stack_name, found.objects)):
        raise AccountError("Nothing was deleted.")
    return found


def empty_buckets(client: Clients, found: Contents, show: Print) -> None:
    """Raises AccountError."""
    for bucket in found.objects:
        count = empty(client("s3"), bucket)
        show(f"Deleted {count:,} object{'' if count == 1 else 's'} of the bucket {bucket}.")


def contents(account: Account, stack_name: str, limit: int) -> Contents:
    """Objects are counted up to the limit. Raises AccountError if there is no such stack, or one of its runs is in
    progress."""
    stack = aws.stack(account.client, stack_name)
    if stack is None:
        raise AccountError(f"There is no stack {stack_name} in {account.region}.")
    _check_runs(account.client, stack_name, aws.outputs(stack).get("StateMachineArn", ""))
    buckets = stack_buckets(account.client, stack_name)
    counts = {each.name: count_objects(account.client("s3"), each.name, limit) for each in buckets if not each.kept}
    return Contents(
        {name: count for name, count in counts.items() if count}, [each.name for each in buckets if each.kept]
    )


def _check_runs(client: Clients, stack_name: str, state_machine: str) -> None:
    states: SFNClient = client("stepfunctions")
    try:
        running = states.list_executions(stateMachineArn=state_machine, statusFilter="RUNNING", maxResults=1)
    except (states.exceptions.StateMachineDoesNotExist, states.exceptions.InvalidArn):
        return  # an earlier deletion has failed half way
    if running["executions"]:
        arn = running["executions"][0]["executionArn"]
        raise AccountError(
            f"The stack {stack_name} has a run in progress, which would store more images. Wait for its end, or stop "
            f"it: aws stepfunctions stop-execution --execution-arn {arn}"
        )


def _refusal(stack_name: str, objects: dict[str, int]) -> str:
    found = " and ".join(
        f"the bucket {bucket} has {_objects(count, LISTED_AT_ONCE)}" for bucket, count in objects.items()
    )
    name = "" if stack_name == DEFAULT_STACK_NAME else f" --stack-name {stack_name}"
    return (
        f"The stack {stack_name} was not deleted: {found}, and CloudFormation deletes only empty buckets. Copy what "
        f"you need, then delete the objects with the stack: ./image-mirror destroy --empty{name}"
    )


def _question(account: Account, stack_name: str, objects: dict[str, int]) -> str:
    found = "".join(f"{_objects(count, MAX_COUNTED)} of the bucket {bucket}, and " for bucket, count in objects.items())
    return f"Delete {found}the stack {stack_name} of account {account.number()} in {account.region}, with its tables?"


def _objects(count: int, limit: int) -> str:
    return f"{count:,} object{'' if count == 1 else 's'}{' or more' if count == limit else ''}"
