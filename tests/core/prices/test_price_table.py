"""Prices of hosted models, bound to the host that is asked."""

from dataclasses import replace

import pytest

from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.prices.table import Listing, PriceTable

OPENAI = Endpoint("openai", "gpt-4o", "https://api.openai.com/v1", "chat_completions", local=False)
ROWS = [
    ("https://api.openai.com/v1", "gpt-4o", True),
    ("https://openrouter.ai/api/v1", "openai/gpt-4o", True),
    ("https://api.anthropic.com/v1", "claude-sonnet-4-0", True),
    ("https://router.huggingface.co/v1", "deepseek-ai/DeepSeek-V3:together", True),
    ("https://router.huggingface.co/v1", "deepseek-ai/DeepSeek-V3:fastest", False),
    ("https://api.openai.com/v1", "of-my-own", False),
    ("https://gateway.example/v1", "gpt-4o", False),
]


async def listed(endpoint: Endpoint) -> Listing:
    table = PriceTable()
    await table.load([endpoint])
    return table.of(endpoint)


@pytest.mark.parametrize(("base_url", "model_id", "known"), ROWS, ids=lambda value: str(value))
async def test_a_price_is_that_of_the_host_which_is_asked(base_url: str, model_id: str, known: bool) -> None:
    listing = await listed(Endpoint("p", model_id, base_url, "chat_completions", local=False))
    assert (listing.price is not None) == known
    if listing.price:
        assert listing.price.source == "table" and 0 < listing.price.input <= listing.price.output


async def test_a_free_variant_is_free() -> None:
    free = Endpoint("openrouter", "meta/m:free", "https://openrouter.ai/api/v1", "chat_completions", local=False)
    assert (await listed(free)).price == Price(0, 0, source="table")


async def test_the_window_comes_with_the_price() -> None:
    assert (await listed(OPENAI)).context_window == 128_000


async def test_nothing_is_looked_up_of_what_is_local_or_priced() -> None:
    local = Endpoint("ollama", "gpt-4o", "https://api.openai.com/v1", "chat_completions", local=True)
    assert await listed(local) == Listing()


async def test_it_is_loaded_only_for_what_may_be_listed() -> None:
    table = PriceTable()
    local = replace(OPENAI, local=True)
    assert table.has([local, replace(OPENAI, price=Price(1, 1))]) and not table.has([local, OPENAI])
    await table.load([OPENAI])
    assert table.has([local, OPENAI])
