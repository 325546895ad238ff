"""The console as a process: `up` serves it, and `./image-mirror console` shows the stack of a running `up`."""

import signal
import subprocess
import sys
from pathlib import Path

import requests

from tests.support.local_process import ROOT, Up, kill

TIMEOUT_SECONDS = 60


def _shown(address: str) -> str:
    """The page at an address, whose session a browser would keep."""
    with requests.Session() as session:
        response = session.get(address, timeout=TIMEOUT_SECONDS)
    assert response.status_code == 200, response.text
    assert "session=" not in response.url
    return response.text


def test_up_and_the_command_show_the_same_runs_at_an_address_each(assembly: Path, tmp_path: Path) -> None:
    up = Up(tmp_path / "out")
    try:
        up.ready()
        run_id = up.submit(["http://192.0.2.1/a.jpg"])
        address = next(line.split()[1] for line in up.output if line.startswith("Console:"))
        command = [sys.executable, "-u", "-m", "local.commands", "console", "--out", str(up.out), "--port", "0"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as console:
            assert console.stdout is not None
            other = next(line.strip() for line in console.stdout if line.startswith("  http://127.0.0.1:"))

            assert run_id in _shown(address)
            assert run_id in _shown(other)
            assert address.partition("session=")[2] != other.partition("session=")[2]
            assert requests.get(address.partition("?")[0], timeout=TIMEOUT_SECONDS).status_code == 403

            console.send_signal(signal.SIGINT)
            assert console.wait(TIMEOUT_SECONDS) == 0
    finally:
        kill(up.process)
