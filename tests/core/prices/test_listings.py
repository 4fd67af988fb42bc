"""The table finds what genai-prices itself finds."""

from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from agentrouted.core.prices.kept import read_listings
from agentrouted.core.prices.listings import Amounts, Listings, Model, amounts_at
from agentrouted.core.routing.vendors import VENDORS

MOMENTS = [datetime(2025, 1, 1, 12, tzinfo=UTC), datetime(2026, 12, 31, 2, 30, tzinfo=UTC)]
ADDRESSES = [
    *(vendor.base_url for vendor in VENDORS.values() if vendor.base_url),
    "https://mine.openai.azure.com/openai/v1",
    "https://europe-west1-aiplatform.googleapis.com/v1",
    "https://bedrock-runtime.eu-west-1.amazonaws.com",
    "https://api.cohere.ai/v2",
    "https://api.minimaxi.com/v1",
    "https://x.cloud.databricks.com/serving-endpoints",
]
listings = cache(lambda: read_listings(None))


def names_of(clause: Any) -> list[str]:
    """Names that a clause fits, and some that come near."""
    [value] = vars(clause).values()
    if isinstance(value, str):
        return [value, f"{value}-20250807", f"vendor/{value}"]
    return [name for each in value for name in names_of(each)]


def as_listed(model: Any, moment: datetime) -> tuple[Any, ...]:
    prices = model.get_prices(moment)
    amounts = (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok)
    return (model.context_window, *(None if each is None else float(getattr(each, "base", each)) for each in amounts))


def as_found(model: Model, moment: datetime) -> tuple[Any, ...]:
    amounts = amounts_at(model, moment) or Amounts()
    return (model["window"], amounts.get("input"), amounts.get("output"), amounts.get("cached"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_model_is_found_as_genai_prices_finds_it(address: str) -> None:
    snapshot = get_snapshot()
    try:
        provider = snapshot.find_provider(None, None, address)
    except LookupError:
        assert listings().at(address, "gpt-4o") is None
        return
    families = [p for p in snapshot.providers if p.id in {provider.id, *(provider.fallback_model_providers or ())}]
    names = [name for each in families for model in each.models for name in names_of(model.match)]
    for name in islice(names, 0, None, 1 + len(names) // 300):
        expected, found = provider.find_model(name, all_providers=snapshot.providers), listings().at(address, name)
        assert (expected is None) == (found is None), name
        if expected and found:
            assert [as_found(found, each) for each in MOMENTS] == [as_listed(expected, each) for each in MOMENTS], name


def test_a_provider_is_found_by_its_name_too() -> None:
    assert listings().of("huggingface_together", "deepseek-ai/DeepSeek-V3") is not None
    assert listings().of("huggingface_nobody", "deepseek-ai/DeepSeek-V3") is None


HOURS = [(0, 2.0), (1, 1.0), (11, 1.0), (12, 2.0), (22, 3.0), (23, 3.0)]


@pytest.mark.parametrize(("hour", "input_"), HOURS)
def test_some_prices_change_by_the_hour(hour: int, input_: float) -> None:
    by_day = Amounts(input=1, start="01:00:00", end="12:00:00")
    by_night = Amounts(input=3, start="22:00:00", end="00:00:00")
    model = Model(window=None, prices=[Amounts(input=2), by_day, by_night])
    found = amounts_at(model, datetime(2026, 1, 1, hour, tzinfo=UTC))
    assert found and found["input"] == input_


def test_a_price_holds_from_its_day_on() -> None:
    model = Model(window=None, prices=[Amounts(input=1), Amounts(input=2, since="2026-02-01")])
    days = [datetime(2026, 1, 31, 23, 59, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    assert [amounts_at(model, day) for day in days] == model["prices"]


def test_a_model_without_prices_is_no_error() -> None:
    assert amounts_at(Model(window=1, prices=[]), MOMENTS[0]) is None
    assert Listings([]).at("https://api.openai.com/v1", "gpt-4o") is None
