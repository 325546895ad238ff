"""The structure of the repository: import levels, sizes, words, and the files that every project has."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from functions.version import VERSION
from tests.unit.source_tree import PRODUCT, ROOT, cycle, imports, name, sources

MAX_MODULES = 15
"""In one folder of the product."""

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 30
"""90 % of the functions of a package are no longer than that."""

DESIGN = ROOT / "docs" / "design.md"


def levels() -> dict[str, tuple[int, frozenset[str]]]:
    """The table in docs/design.md: the level of each package, and the packages that it may import."""
    text = DESIGN.read_text()
    table = text[text.index("<!-- levels -->") : text.index("<!-- end of levels -->")]
    rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \| (.*?) ?\|", table, re.M)
    return {package: (int(level), frozenset(re.findall(r"`([\w.]+)`", allowed))) for level, package, allowed in rows}


def package_of(module: str, known: Mapping[str, object]) -> str:
    """The longest entry of the table that the module lies in."""
    return max((entry for entry in known if module == entry or module.startswith(f"{entry}.")), key=len)


def used() -> dict[str, set[str]]:
    """The packages that each package imports, from the code."""
    known = levels()
    found: dict[str, set[str]] = {package: set() for package in known}
    for module, others in imports().items():
        if not module.startswith("tests"):
            mine = package_of(module, known)
            found[mine] |= {package_of(other, known) for other in others if not other.startswith("tests")} - {mine}
    return found


def test_there_is_no_import_cycle() -> None:
    assert cycle(imports()) == []


def test_a_cycle_would_be_found() -> None:
    graph = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}

    assert set(cycle(graph)) == {"a", "b", "c"}


def test_every_package_is_in_the_table_of_levels() -> None:
    known = levels()

    assert len(known) > 20
    assert {module for module in sources(*PRODUCT) if not any(module.startswith(entry) for entry in known)} == set()


def test_a_package_imports_what_the_table_allows_and_nothing_else() -> None:
    allowed = {package: set(others) for package, (_, others) in levels().items()}

    assert used() == allowed, "docs/design.md lists the imports of each package"


def test_the_levels_point_downwards() -> None:
    known = levels()

    wrong = [
        (package, other) for package, (level, others) in known.items() for other in others if known[other][0] >= level
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", [*PRODUCT])
def test_no_folder_has_more_than_15_modules(folder: str) -> None:
    counts = Counter(name(path.parent) for path in sources(folder).values())

    assert {place: count for place, count in counts.items() if count > MAX_MODULES} == {}


def test_core_and_the_interpreter_have_few_entries() -> None:
    assert len(entries(ROOT / "functions" / "core")) <= 10
    assert len(entries(ROOT / "local" / "states")) <= 8


def entries(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != "__pycache__"]


@pytest.mark.parametrize("folder", [*PRODUCT])
def test_no_file_is_longer_than_300_lines(folder: str) -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in sources(folder).values()}

    assert {path: length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


PACKAGES = sorted({name(path.parent) for path in sources(*PRODUCT).values()})


@pytest.mark.parametrize("package", PACKAGES)
def test_nine_of_ten_functions_of_a_package_have_at_most_30_lines(package: str) -> None:
    paths = [path for path in sources(*PRODUCT).values() if name(path.parent) == package]
    lengths = sorted(length for path in paths for _, length in function_lengths(path))

    assert lengths[len(lengths) * 9 // 10 :][:1] <= [MAX_FUNCTION_LINES]


HABITS = (
    *("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "README.md", ".editorconfig"),
    *(".pre-commit-config.yaml", ".github/workflows/ci.yml", ".github/dependabot.yml", "docs/openapi.json"),
    *(".github/pull_request_template.md", ".github/ISSUE_TEMPLATE/bug.md"),
)


@pytest.mark.parametrize("path", HABITS)
def test_the_files_of_the_project_exist(path: str) -> None:
    assert (ROOT / path).stat().st_size > 0


def test_the_version_is_written_in_one_place() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.M)[0]
    literal = f'"{VERSION}"'
    holders = [name(path) for path in sources(*PRODUCT).values() if literal in path.read_text()]

    assert newest == VERSION
    assert holders == ["functions/version.py"]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    pages = {path.name for path in folder.glob("[0-9]*.md")}
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()))

    assert pages == listed
    for page in pages:
        text = (folder / page).read_text()
        assert re.search(r"^\d{4}-\d\d-\d\d", text, re.M), f"{page} has no date"
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences")), page


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#([\w-]+))?\)")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        found = (page.parent / target).resolve()
        assert found.exists(), f"{name(page)} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{name(page)} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Anchors of headings, as the usual Markdown renderers make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
