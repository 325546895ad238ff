"""The deployment package of the functions."""

import importlib.util
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from cdk.asset import LocalBundling
from cdk.bundle import FUNCTIONS as SOURCE
from cdk.bundle import INDEX_LOCK, LOCK, BundleError, bundle, fingerprint
from cdk.resources.functions import FUNCTIONS
from tests.infra.rendered import Template

# Packages that Lambda's Python runtime contains.
RUNTIME_SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six")
AARCH64 = 183  # e_machine of an ELF header

IMPORT_ALL = """
import importlib, pathlib, sys
bundle, sdk, handler = sys.argv[1:]
sys.path[:0] = [bundle]
sys.path.append(sdk)
index = handler == "functions.index_run.handler"
for path in sorted(pathlib.Path(bundle, "functions", "core").rglob("*.py")):
    if path.parent.name == "index" and not index:
        continue
    importlib.import_module(".".join(path.relative_to(bundle).with_suffix("").parts).removesuffix(".__init__"))
assert callable(importlib.import_module(handler.rpartition(".")[0]).handler)
"""


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for this machine and this Python."""
    folder = tmp_path_factory.mktemp("bundle")
    bundle(folder, platform=None, python_version=None)
    return folder


@pytest.fixture(scope="module")
def index_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of IndexRun."""
    folder = tmp_path_factory.mktemp("bundle")
    bundle(folder, platform=None, python_version=None, more=[INDEX_LOCK])
    return folder


@pytest.fixture(scope="module")
def lambda_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that is deployed."""
    folder = tmp_path_factory.mktemp("bundle")
    assert LocalBundling().try_bundle(str(folder))
    return folder


@pytest.fixture(scope="module")
def runtime_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the AWS SDK only."""
    folder = tmp_path_factory.mktemp("sdk")
    for name in RUNTIME_SDK:
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        module = Path(spec.origin)
        module = module.parent if module.name == "__init__.py" else module
        (folder / module.name).symlink_to(module)
    return folder


@pytest.mark.parametrize("module", [spec.module for spec in FUNCTIONS])
def test_a_handler_imports_with_the_bundle_and_the_sdk_of_the_runtime_only(
    template: Template, bundled: Path, index_bundle: Path, runtime_sdk: Path, module: str, tmp_path: Path
) -> None:
    folder = index_bundle if module == "index_run" else bundled
    handler = f"functions.{module}.handler"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(folder), str(runtime_sdk), handler],
        cwd=tmp_path,
        env=template.environment(module) | {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_the_deployed_bundle_contains_only_arm64_code_for_python_3_13(lambda_bundle: Path) -> None:
    libraries = sorted(lambda_bundle.rglob("*.so"))

    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert struct.unpack_from("<H", header, 18) == (AARCH64,)
        assert ".cpython-313-" in library.name or ".abi3." in library.name, library.name


def test_the_deployed_bundle_contains_the_functions_and_no_sdk(lambda_bundle: Path) -> None:
    names = {path.name for path in lambda_bundle.iterdir()}

    assert {"functions", "requests", "pydantic", "aws_lambda_powertools"} <= names
    assert not {"boto3", "botocore", "bin", "tests"} & names


def test_the_deployed_bundle_contains_no_caches_or_metadata(lambda_bundle: Path) -> None:
    assert not [
        path
        for path in lambda_bundle.rglob("*")
        if path.name.startswith(".") or path.suffix in (".pyc", ".dist-info") or path.name == "__pycache__"
    ]


def test_the_deployed_bundle_fits_into_lambda(lambda_bundle: Path) -> None:
    size = sum(path.stat().st_size for path in lambda_bundle.rglob("*") if path.is_file())

    assert size < 50 * 1024 * 1024  # the limit is 250 MB; a cold start reads all of it


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A small folder of functions, with a module, a template and a style sheet."""
    folder = tmp_path / "functions"
    folder.mkdir()
    (folder / "handler.py").write_text("one = 1\n")
    (folder / "report").mkdir()
    (folder / "report" / "page.html.j2").write_text("<h1>{{ title }}</h1>\n")
    (folder / "report" / "style.css").write_text("h1 { color: navy }\n")
    (folder / "requirements.txt").write_text("")
    return folder


def test_the_bundle_contains_templates_and_style_sheets(functions: Path, tmp_path: Path) -> None:
    bundle(tmp_path / "target", functions=functions)

    for name in ("handler.py", "report/page.html.j2", "report/style.css"):
        assert (tmp_path / "target" / "functions" / name).read_bytes() == (functions / name).read_bytes()


def test_the_deployed_bundle_contains_every_file_of_the_functions(lambda_bundle: Path) -> None:
    names = {path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()}
    expected = {name for name in names if "__pycache__" not in name.parts and not name.name.startswith(".")}
    copied = {path.relative_to(lambda_bundle / "functions") for path in (lambda_bundle / "functions").rglob("*.*")}

    assert {name.suffix for name in expected} >= {".py", ".css"}
    assert copied == expected - {Path(LOCK)}


def test_a_failed_installation_is_an_error_with_the_output_of_the_installer(functions: Path, tmp_path: Path) -> None:
    (functions / "requirements.txt").write_text("requests==2.34.2\n")  # without a hash

    with pytest.raises(
        BundleError, match=r"Cannot install the dependencies of the functions from requirements\.txt(.|\n)+hash"
    ):
        bundle(tmp_path / "target", functions=functions)


@pytest.mark.parametrize(
    "name", ["handler.py", "requirements.txt", "core/new.json", "report/page.html.j2", "report/style.css"]
)
def test_the_fingerprint_changes_with_every_file_of_the_bundle(functions: Path, name: str) -> None:
    before = fingerprint(functions)
    (functions / name).parent.mkdir(exist_ok=True)
    (functions / name).write_text("# other\n")

    assert fingerprint(functions) != before


def test_the_fingerprint_changes_with_the_name_of_a_file(functions: Path) -> None:
    before = fingerprint(functions)
    (functions / "handler.py").rename(functions / "renamed.py")

    assert fingerprint(functions) != before


def test_the_fingerprint_ignores_caches_and_the_location_of_the_folder(functions: Path, tmp_path: Path) -> None:
    before = fingerprint(functions)
    (functions / "__pycache__").mkdir()
    (functions / "__pycache__" / "handler.cpython-313.pyc").write_bytes(os.urandom(8))
    (functions / ".hidden").write_text("x")
    moved = functions.rename(tmp_path / "elsewhere")

    assert fingerprint(moved) == before
