"""`make up`: the embedded AWS in the foreground, until it is told to end."""

import os
import shlex
from pathlib import Path

from local.aws.cloud import Cloud
from local.commands.interrupt import until_interrupted
from local.commands.terminal import Terminal


def up(*, assembly: Path, out: Path, allow: str, port: int) -> int:
    """Serves until SIGINT or SIGTERM; then OUT holds what was mirrored, and `local.env` is gone."""
    terminal = Terminal()
    terminal.say("Deploying the synthesized stack to an AWS on this machine.")
    with Cloud(assembly=assembly, parameters={"AllowedNetworks": allow}, out=out, port=port) as cloud:
        if cloud.port_moved:
            terminal.say(f"Port {port} is in use, so another one was taken.")
        environment = out / "local.env"
        try:
            _write(environment, cloud.environment())
            _tell(terminal, cloud, environment)
            until_interrupted()
        except KeyboardInterrupt:
            terminal.say("Ending.")
        finally:
            environment.unlink(missing_ok=True)
            cloud.settle()
            cloud.export()
    return 0


def _write(path: Path, variables: dict[str, str]) -> None:
    """Whole or not at all: whoever waits for the file may source it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    partial = path.with_name(".local.env.partial")
    partial.write_text(text)
    os.replace(partial, path)


def _tell(terminal: Terminal, cloud: Cloud, environment: Path) -> None:
    terminal.say(f"Endpoint:      {cloud.endpoint}")
    terminal.say(f"Input bucket:  {cloud.outputs['InputBucket']}")
    terminal.say(f"Images bucket: {cloud.outputs['ImagesBucket']}")
    terminal.say(f"API:           {cloud.api_url}")
    terminal.say("In another terminal:")
    terminal.say(f"  source {environment}")
    terminal.say("  aws s3 cp manifest.csv s3://$INPUT_BUCKET/manifests/")
    terminal.say('  curl $API_URL/runs --json \'{"urls": ["https://…"]}\'')
    terminal.say("Ctrl-C ends it and leaves everything in the folder " + str(environment.parent) + ".")
