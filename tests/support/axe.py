"""Checks of the accessibility of a page with axe-core, in the browser of the tests."""

from functools import cache

from cdk import node
from tests.support.browser import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
"""The tags of the rules that are checked: WCAG 2.2 of the levels A and AA, and what axe-core recommends."""


def violations(page: Page) -> list[str]:
    """The rules that the page violates, with the first elements that do. Raises node.InstallationError."""
    page.value(f"{_script()}\n;0")
    found: list[str] = page.value(f"""axe.run(document, {RULES}).then(results => results.violations.map(violation =>
        `${{violation.id}}: ${{violation.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')}}`))""")
    return found


@cache
def _script() -> str:
    return (node.package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
