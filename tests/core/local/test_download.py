"""What of a download is seen while it goes on."""

import threading
from pathlib import Path

from agentrouted.core.local.download import wheels_in


def test_folders_that_go_while_we_look_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    wheel = tmp_path / "kept/a.whl"
    wheel.touch()
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}").mkdir()
            for number in range(20):
                (tmp_path / f"pip-{number}").rmdir()

    pip = threading.Thread(target=come_and_go)
    pip.start()
    try:
        assert all(wheels_in(tmp_path) == [wheel] for _ in range(500))
    finally:
        ended.set()
        pip.join()
