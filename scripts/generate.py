"""Writes every file that is generated from the code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agentrouted.core.config import reference
from agentrouted.core.config import schema as config_schema
from agentrouted.core.routing import vendors_page
from agentrouted.server.capabilities import render_static_file
from agentrouted_protocol.docs import render_markdown
from agentrouted_protocol.schema import build_schema, render_schema

ROOT: Final = Path(__file__).parents[1]


def render_protocol_page() -> str:
    examples = {file.stem: json.loads(file.read_text()) for file in sorted(ROOT.glob("tests/protocol/golden/*.json"))}
    return render_markdown((ROOT / "protocol/protocol.template.md").read_text(), build_schema(), examples)


# One row a file: a test fails where one is not as its function writes it.
GENERATED: Final[dict[str, Callable[[], str]]] = {
    "daemon/agentrouted/server/initialize.json": render_static_file,
    "docs/config.schema.json": config_schema.render_schema,
    "docs/configuration.md": reference.render_markdown,
    "docs/protocol.md": render_protocol_page,
    "docs/providers.md": vendors_page.render_markdown,
    "protocol/schema/protocol.json": render_schema,
}

if __name__ == "__main__":
    for path, render in GENERATED.items():
        (ROOT / path).write_text(render())
