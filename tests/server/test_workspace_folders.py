"""The folders that a client works in, from `initialize`."""

from typing import Any

import pytest

from agentrouted.server.session import folders_of


@pytest.mark.parametrize(
    ("params", "folders"),
    [
        ({}, ()),
        ({"rootUri": None, "workspaceFolders": None}, ()),
        ({"rootUri": "file:///a%20b"}, ("/a b",)),
        ({"rootUri": "file://localhost/a"}, ("/a",)),
        ({"rootUri": "file://elsewhere/a"}, ()),
        ({"rootUri": "untitled:1"}, ()),
        ({"rootUri": "file:///r", "workspaceFolders": []}, ("/r",)),
        ({"rootUri": "file:///r", "workspaceFolders": [{"uri": "file:///a"}, 3, {"uri": "FILE:///b"}]}, ("/a", "/b")),
    ],
)
def test_they_are_paths_of_this_machine(params: dict[str, Any], folders: tuple[str, ...]) -> None:
    assert folders_of(params) == folders
