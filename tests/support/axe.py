"""Checks of the accessibility of a page with axe-core, in the browser of the tests."""

import json
from collections.abc import Sequence
from functools import cache

from cdk import node
from tests.support.browser import Page

Rules = Sequence[str]
"""Tags or IDs of rules."""

ALL: Rules = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""The tags of all rules that are checked: WCAG 2.2 of the levels A and AA, and what axe-core recommends."""

COLOURS: Rules = ("color-contrast", "link-in-text-block")
"""The rules whose result depends on the colours."""

SIZES: Rules = ("target-size", "scrollable-region-focusable")
"""The rules whose result depends on the width of the window."""

ALIKE = ".sheet li:nth-child(n+10), .gallery li:nth-child(n+10)"
"""Elements that are left out: they are like those before them, and most of a page."""


def violations(page: Page, rules: Rules = ALL) -> list[str]:
    """The rules that the page violates, with the first elements that do. Raises node.InstallationError."""
    if not page.value("Boolean(window.axe)"):
        page.value(f"{_script()}\n;0")
    context = {"exclude": [ALIKE]}
    options = {"runOnly": list(rules), "resultTypes": ["violations"]}
    found: list[str] = page.value(f"""axe.run({json.dumps(context)}, {json.dumps(options)}).then(results =>
        results.violations.map(violation => `${{violation.id}}: ${{violation.nodes.slice(0, 3).map(
            node => node.html.slice(0, 200)).join(' | ')}}`))""")
    return found


@cache
def _script() -> str:
    return (node.package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
