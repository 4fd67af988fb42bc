"""The order in which a chain is asked: by chance, by price, by speed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

import pytest
from harness.routes import World

from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.routing.strategies import in_order


@dataclass
class Signs:
    prices: Mapping[str, Price] = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(7))

    def price(self, endpoint: Endpoint) -> Price | None:
        return endpoint.price or self.prices.get(endpoint.model_id.removeprefix("v/"))

    def seconds(self, endpoint: Endpoint) -> float | None:
        return self.speeds.get(endpoint.model_id.removeprefix("v/"))

    def draw(self) -> float:
        return self.random.random()


def order(models: str, signs: Signs) -> list[str]:
    chain = World({}, f"models: {{{models}}}").resolve("x").chain
    assert chain
    return [each.endpoint.model_id.removeprefix("v/") for each in in_order(chain, signs)]


def drawn(models: str) -> Iterator[list[str]]:
    signs = Signs()
    return (order(models, signs) for _ in range(2000))


THREE = "endpoints: [vllm/a, vllm/b, vllm/c]"
HOSTED = "endpoints: [v/a, v/b, v/c]"


@pytest.mark.parametrize("strategy", ["", ", strategy: priority"])
def test_in_the_order_of_the_list_unless_it_says_otherwise(strategy: str) -> None:
    signs = Signs({"a": Price(9, 9)}, {"a": 9.0, "b": 1.0})
    assert order(f"x: {{{THREE}{strategy}}}", signs) == ["a", "b", "c"]


def test_the_cheapest_first_and_an_unknown_price_last() -> None:
    signs = Signs({"b": Price(4, 8), "c": Price(3, 12)})
    assert order(f"x: {{{HOSTED}, strategy: cheapest}}", signs) == ["b", "c", "a"]
    assert order("x: {endpoints: [v/b, vllm/local], strategy: cheapest}", signs) == ["local", "b"]


def test_the_fastest_first_once_all_are_measured() -> None:
    config = f"x: {{{THREE}, strategy: fastest}}"
    assert order(config, Signs(speeds={"a": 0.3, "b": 0.2, "c": 0.1})) == ["c", "b", "a"]
    assert order(config, Signs(speeds={"a": 0.3, "c": 0.1})) == ["b", "c", "a"]


def test_each_has_its_share_of_runs() -> None:
    models = "x: {endpoints: [{model: vllm/a, weight: 3}, vllm/b], strategy: balance}"
    firsts = Counter(each[0] for each in drawn(models))
    assert 0.70 < firsts["a"] / 2000 < 0.80


def test_balance_leaves_nobody_out() -> None:
    assert all(sorted(each) == ["a", "b", "c"] for each in drawn(f"x: {{{THREE}, strategy: balance}}"))


def test_a_chain_in_a_chain_keeps_together_and_has_its_own_strategy() -> None:
    models = "x: {endpoints: [in, vllm/c], strategy: fastest}, in: {endpoints: [v/a, v/b], strategy: cheapest}"
    signs = Signs({"a": Price(2, 2), "b": Price(1, 1)}, {"a": 0.1, "b": 0.3, "c": 0.2})
    assert order(models, signs) == ["c", "b", "a"]


@pytest.mark.parametrize("weight", ["0", "-1", "true", ".inf"])
def test_a_weight_that_is_none_is_refused(weight: str) -> None:
    with pytest.raises(AssertionError, match="weight"):
        order(f"x: {{endpoints: [{{model: vllm/a, weight: {weight}}}]}}", Signs())
