"""What axe finds on a page."""

from typing import Any

from playwright.sync_api import Page

from devstack.page import WEBUI_DIR

_AXE = WEBUI_DIR / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Return each violation of a rule, with the element that it is about and what to do."""
    page.evaluate(_AXE.read_text())
    found: Any = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES)
    return [
        f"{finding['id']}: {node['target']} {node['failureSummary']}"
        for finding in found["violations"]
        for node in finding["nodes"]
    ]
