"""What holds in a folder, and in those inside it."""

import pytest

from agentrouted.core.config.model import Config
from agentrouted.core.endpoint import Boundary

CONFIG = Config.model_validate(
    {
        "workspaces": {
            "/work/bank": {"boundary": "local"},
            "/work/*/": {"boundary": "free"},
            "/play": {},
        }
    }
)


@pytest.mark.parametrize(
    ("folder", "boundary"),
    [
        ("/work/bank", "local"),
        ("/work/bank/src/deep", "local"),
        ("/work/banking", "free"),
        ("/work/other/src", "free"),
        ("/work", None),
        ("/play", None),
        ("/work/bank/", "local"),
        ("/work/x/../bank", "local"),
        ("", None),
        ("a name", None),
    ],
)
def test_the_strictest_boundary_of_a_folder_and_those_above_it_holds(folder: str, boundary: Boundary | None) -> None:
    assert CONFIG.boundary_in([folder]) == boundary


def test_what_the_daemon_says_holds_everywhere() -> None:
    config = Config.model_validate(
        {"daemon": {"limits": {"boundary": "local"}}, "workspaces": {"/a": {"boundary": "free"}}}
    )
    assert config.boundary_in(["/a"]) == config.boundary_in([]) == "local"


def test_of_several_folders_the_strictest_counts() -> None:
    assert CONFIG.boundary_in(["/play", "/work/bank", "/work/x"]) == "local"
