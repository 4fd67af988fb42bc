"""What tests of several wings share."""

import asyncio
import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.local.catalog import model_folders
from agentrouted.core.local.known import KNOWN_MODELS
from agentrouted.core.local.pull import pull


def pytest_configure() -> None:
    """A shell lets its background jobs ignore SIGINT, and so would the programs that tests start and interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path: sockets in it have a hundred bytes for theirs."""
    with tempfile.TemporaryDirectory(prefix="at-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def demo_model(pytestconfig: pytest.Config) -> Path:
    """SmolLM2-135M: `AGENTROUTED_TEST_MODEL`, or the user's own copy, or one that is fetched into pytest's cache."""
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is missing: pip install 'agentrouted[local]'")
    if given := os.environ.get("AGENTROUTED_TEST_MODEL"):
        return Path(given)
    model = KNOWN_MODELS["smollm2-135m"]
    own = model_folders(os.environ, Path.home()).agentrouted / f"{model.name}.gguf"
    if own.is_file():
        return own
    folder = pytestconfig.cache.mkdir("models")
    try:
        # One process of the tests fetches it for all.
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return asyncio.run(pull(model, folder, os.environ, lambda done, size: None))
    except AgentroutedError as error:
        pytest.skip(f"the demo model cannot be had: {error.message}")
