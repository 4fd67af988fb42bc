"""The table of prices is made once, and read by all that come later."""

import os
import stat
from importlib.metadata import version
from pathlib import Path

import pytest

from agentrouted.core.prices.kept import read_listings
from agentrouted.core.prices.listings import Listings

OPENAI = "https://api.openai.com/v1"


def window(listings: Listings) -> int | None:
    model = listings.at(OPENAI, "gpt-4o")
    return model["window"] if model else None


def test_what_was_made_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert window(read_listings(folder)) == 128_000
    (file,) = folder.iterdir()
    assert version("genai-prices") in file.name and stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(file.read_text().replace("128000", "128001"))
    assert window(read_listings(folder)) == 128_001


@pytest.mark.parametrize("text", ["", "[", "[{}]", '{"id": 1}', "[1]"])
def test_a_broken_file_is_made_anew(tmp_path: Path, text: str) -> None:
    read_listings(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert window(read_listings(tmp_path)) == 128_000
    assert window(read_listings(tmp_path)) == 128_000 and len(file.read_text()) > 100_000


def test_of_older_versions_the_newest_stay(tmp_path: Path) -> None:
    for age in range(5):
        (old := tmp_path / f"prices-0.0.{age}-1.json").write_text("[]")
        os.utime(old, (1e9 - age, 1e9 - age))
    read_listings(tmp_path)
    assert [(tmp_path / f"prices-0.0.{age}-1.json").exists() for age in range(5)] == [True, True, True, False, False]


def test_where_it_cannot_be_kept_it_is_there_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert window(read_listings(tmp_path / "file")) == 128_000
    assert window(read_listings(None)) == 128_000


def test_what_cannot_be_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    in_the_way = tmp_path / f"prices-{version('genai-prices')}-1.json"
    in_the_way.mkdir()
    assert window(read_listings(tmp_path)) == 128_000
    assert list(tmp_path.iterdir()) == [in_the_way]
