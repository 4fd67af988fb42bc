"""The table of prices on disk: made once for each version."""

import logging
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic_core import from_json

from agentrouted.core.prices.extract import extract
from agentrouted.core.prices.listings import Listings, Provider

_SHAPE: Final = 1
"""To be raised when `extract` writes something else."""

_OLD_ONES: Final = 3
"""Of other versions, which other programs of this user may have."""

logger = logging.getLogger(__name__)


def read_listings(folder: Path | None) -> Listings:
    """Milliseconds; a fifth of a second where the file for this version is not in `folder` yet. Blocks."""
    file = folder / f"prices-{version('genai-prices')}-{_SHAPE}.json" if folder else None
    if file and (kept := _read(file)):
        return kept
    made = extract()
    if file:
        _keep(file, made)
    return _listings(made)


def _read(file: Path) -> Listings | None:
    try:
        return _listings(file.read_bytes())
    except (OSError, ValueError, TypeError):
        return None


def _listings(text: bytes) -> Listings:
    return Listings(Provider(**each) for each in from_json(text))


def _keep(file: Path, text: bytes) -> None:
    """Whole or not at all. Where it cannot be kept, the next process makes it anew."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            begun = Path(folder, file.name)
            begun.touch(mode=0o600)
            begun.write_bytes(text)
            begun.replace(file)
        others = sorted(file.parent.glob("prices-*.json"), key=lambda each: each.stat().st_mtime, reverse=True)
        for other in others[1 + _OLD_ONES :]:
            other.unlink(missing_ok=True)
    except OSError as error:
        logger.info("the table of prices cannot be kept in %s: %s", file.parent, error.strerror)
