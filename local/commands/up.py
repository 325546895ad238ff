"""`make up`: runs the local AWS in the foreground until it is interrupted."""

from pathlib import Path

from functions.core.model.runs import LocalRun
from local.aws.cloud import Cloud
from local.aws.stack import DeploymentError
from local.commands.env_file import DEACTIVATE, write_env_file
from local.commands.run import finish_interrupted, program
from local.commands.terminal import Terminal
from local.console import CONSOLE_PORT
from local.console.server import ConsoleServer
from local.console.stack import stack_of_up
from local.errors import UsageError
from local.interrupted import interrupt
from local.limits import Limits
from local.startup import wait_for_interrupt


def up(*, assembly: Path, out: Path, allow: str, port: int, limits: Limits) -> int:
    """Serve until SIGINT or SIGTERM, then export to OUT and delete `local.env`. Raises UsageError."""
    terminal = Terminal()
    local_run = LocalRun(command="up", out=str(out), allow=allow).as_text()
    try:
        with terminal.working("Deploying the stack to the local AWS"):
            cloud = Cloud(assembly=assembly, allow=allow, out=out, port=port, local_run=local_run, limits=limits)
    except DeploymentError as error:
        raise UsageError(str(error)) from error
    with cloud:
        finish_interrupted(cloud, terminal, out)
        if cloud.port_moved:
            terminal.print(f"Port {port} is in use; using a free port instead.")
        _serve(terminal, cloud, out, port and CONSOLE_PORT)
    return 0


def _serve(terminal: Terminal, cloud: Cloud, out: Path, console_port: int) -> None:
    env_file = write_env_file(out, cloud.environment())
    try:
        with ConsoleServer(stack_of_up(cloud.environment()), console_port) as console:
            _print_access(terminal, cloud, env_file, console.address)
            wait_for_interrupt()
    except KeyboardInterrupt:
        terminal.print(f"Stopping. Exporting images, table, messages and reports to {out}.")
    finally:
        env_file.unlink(missing_ok=True)
        interrupt(cloud)
        cloud.settle()
        cloud.export()


def _print_access(terminal: Terminal, cloud: Cloud, env_file: Path, console: str) -> None:
    terminal.print(f"Console:       {console}")
    terminal.print(f"Endpoint:      {cloud.endpoint}")
    terminal.print(f"Input bucket:  {cloud.outputs['InputBucket']}")
    terminal.print(f"Images bucket: {cloud.outputs['ImagesBucket']}")
    terminal.print(f"API:           {cloud.api_url}")
    terminal.print("In another terminal:")
    terminal.print(f"  source {env_file}")
    terminal.print("  aws s3 cp manifest.csv s3://$INPUT_BUCKET/manifests/")
    terminal.print(f"  {program()} watch --out {env_file.parent}   # follows the latest run")
    terminal.print("  curl $API_URL/runs -H 'Content-Type: application/json' -d '{\"urls\": [\"https://…\"]}'")
    terminal.print(f"  {DEACTIVATE}   # restores the variables of that shell")
    terminal.print(f"Press Ctrl-C to stop and to export everything to {env_file.parent}.")
