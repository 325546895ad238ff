"""The commands `bootstrap`, `deploy` and `destroy` of the command line. `cdk.account` does their work."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import click

from cdk.account.errors import AccountError
from cdk.account.settings import given_settings, settings
from cdk.settings import Settings
from local.errors import UsageError
from local.parameters import option, pairs, shown_name
from local.startup import spinner

SETTING_NAMES = [field.name for field in fields(Settings)]

cdk_arguments = click.argument("arguments", metavar="[-- CDK_ARGUMENTS]", nargs=-1, type=click.UNPROCESSED)
stack_name = option(
    "stack_name", metavar="NAME", help="name of the stack (default: the setting stack_name, ImageMirror)", default=""
)
setting = pairs(
    *("-c", "--setting"), variable="SETTINGS", names=SETTING_NAMES, help="setting of the stack; may be repeated"
)


@click.command()
@cdk_arguments
def bootstrap(arguments: Sequence[str]) -> int:
    """Prepare the AWS account for the CDK.

    Needed once for each account and Region. Arguments after -- are passed to the CDK.
    """
    with _account():
        from cdk.account import assembly, aws, cdk_cli

        aws.check_credentials(arguments)
        with tempfile.TemporaryDirectory() as folder:
            with spinner("Synthesizing the stack"):
                app = assembly.synthesize({}, Path(folder), bundled=False)
                cdk_cli.install()
            return _status(cdk_cli.run("bootstrap", *arguments, assembly=app))


@click.command()
@setting
@stack_name
@cdk_arguments
def deploy(pairs: Sequence[str], stack_name: str, arguments: Sequence[str]) -> int:
    """Deploy to the AWS account.

    The account and the Region are those of your credentials. Settings that are not given are those of cdk.json.
    Arguments after -- are passed to the CDK.
    """
    with _account():
        given = given_settings(pairs, stack_name, name=shown_name("pairs"))
        valid = settings(given)
        from cdk.account import aws
        from cdk.account.deploy import deploy

        aws.check_credentials(arguments)
        return _status(deploy(given, valid, arguments, click.echo, spinner))


@click.command()
@stack_name
@click.option("--empty", is_flag=True, help="delete the objects of its buckets first")
@click.option("--yes", is_flag=True, help="do not ask")
@cdk_arguments
def destroy(stack_name: str, empty: bool, yes: bool, arguments: Sequence[str]) -> int:
    """Delete the deployed stack.

    It is refused while a bucket that would be deleted has objects, or a run is in progress. The input bucket is kept
    unless the stack was deployed with another setting. Arguments after -- are passed to the CDK.
    """
    with _account():
        name = settings(given_settings((), stack_name, name="")).stack_name
        from cdk.account.destroy import destroy

        confirm = None if yes else _confirm
        return _status(destroy(name, arguments, with_objects=empty, confirm=confirm, show=click.echo, working=spinner))


ACCOUNT_COMMANDS: Sequence[click.Command] = (bootstrap, deploy, destroy)


@contextmanager
def _account() -> Iterator[None]:
    """Raises UsageError, also where the shell points at the local AWS."""
    from cdk.account import cdk_cli

    if refusal := cdk_cli.refusal(os.environ):
        raise UsageError(refusal)
    try:
        yield
    except AccountError as error:
        raise UsageError(str(error)) from error


def _confirm(question: str) -> bool:
    """Raises AccountError where there is no answer."""
    try:
        return click.confirm(question)
    except click.Abort as error:
        raise AccountError("Nothing was deleted. Without a terminal to answer the question, add --yes.") from error


def _status(cdk_status: int) -> int:
    """0 or 1: the CDK CLI has other values."""
    return 1 if cdk_status else 0
