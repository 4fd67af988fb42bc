"""The page about the protocol holds together."""

import re
from pathlib import Path

from agentrouted_protocol.methods import METHODS

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text()


def test_every_method_has_its_section() -> None:
    assert {f"### {name}" for name in METHODS} <= set(PAGE.splitlines())


def test_every_link_inside_the_page_leads_somewhere() -> None:
    headings = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in re.findall(r"^#+ (.*)$", PAGE, re.M)}
    anchors = headings | set(re.findall(r'<a id="([^"]+)">', PAGE))
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
