"""`./image-mirror deploy`: synthesizes the stack with its settings, deploys it, and does what follows a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cdk.account import assembly, aws, cdk_cli
from cdk.account.aws import Account, Working
from cdk.account.errors import AccountError
from cdk.account.versions import remove_unused_versions
from cdk.settings import NO_CONTACT, Settings

NOT_YET_CREATED = "REVIEW_IN_PROGRESS"
"""The status of a stack that only has a change set."""

Print = Callable[[str], object]


def deploy(
    given: Mapping[str, str], settings: Settings, arguments: Sequence[str], show: Print, working: Working
) -> int:
    """Returns the exit status of the CDK CLI, which gets the arguments. Raises AccountError.

    The CDK CLI asks its questions, and shows the resources that are being created.
    """
    _check_arguments(arguments)
    name = settings.stack_name
    account = aws.account(arguments)
    with working("Synthesizing the stack"):
        folder = assembly.synthesize(given, assembly.FOLDER / name)
        cdk_cli.install()
    with working(f"Looking for the stack {name} in {account.region}"):
        exists = _exists(account, name)
    if exists:
        show(f"The stack {name} exists in {account.region}: it is updated.")
    if not settings.contact:
        show(NO_CONTACT)
    status = cdk_cli.run("deploy", *arguments, assembly=folder)
    if status == 0:
        with working("Removing versions of functions that no run uses"):
            _after_deployment(account, name, is_new=not exists, show=show)
    return status


def _check_arguments(arguments: Sequence[str]) -> None:
    """The CDK CLI would ignore settings: it gets a stack that is synthesized already. Raises AccountError."""
    for argument in arguments:
        if argument in ("-c", "--context") or argument.startswith("--context="):
            raise AccountError(
                f"Give settings before the --: ./image-mirror deploy -c name=value. Found {argument} after it."
            )


def _after_deployment(account: Account, name: str, *, is_new: bool, show: Print) -> None:
    """What follows a deployment that succeeded."""
    if is_new:
        show(aws.EVENTS_DELAY)
        return
    try:
        removed = _remove_unused_versions(account, name)
    except AccountError as error:
        show(f"The deployment is complete. Versions of functions that no run uses were not removed: {error}")
        return
    if removed:
        show(f"Removed versions of functions that no run uses: {', '.join(removed)}.")


def _remove_unused_versions(account: Account, name: str) -> list[str]:
    """Names and numbers of the versions that are removed. Raises AccountError."""
    with aws.aws_errors():
        described = aws.stack(account.client, name)
        outputs = aws.outputs(described) if described else {}  # none for a stack that is rolled back
        machines = [outputs[name] for name in ("StateMachineArn", "IndexMachineArn") if name in outputs]
        clients = account.client("lambda"), account.client("stepfunctions")
        return [version for machine in machines for version in remove_unused_versions(*clients, machine)]


def _exists(account: Account, name: str) -> bool:
    """False also where the caller may not ask, who may be able to deploy: the CDK CLI uses roles of its own."""
    try:
        with aws.aws_errors():
            stack = aws.stack(account.client, name)
    except AccountError:
        return False
    return stack is not None and stack["StackStatus"] != NOT_YET_CREATED
