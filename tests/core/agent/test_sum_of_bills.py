"""The sum of bills: unknown is not zero."""

import pytest

from agentrouted.core.usage.bill import add
from agentrouted_protocol.messages import Usage

KNOWN = Usage(input_tokens=1, output_tokens=2, total_cost_usd=0.5, model_calls=1, cost_source="reported")
UNKNOWN = Usage(input_tokens=3, output_tokens=4, model_calls=1)


def test_the_first_bill_is_the_sum() -> None:
    assert add(Usage(), KNOWN) == KNOWN


def test_tokens_and_costs_add_up() -> None:
    total = add(KNOWN, KNOWN)
    assert (total.input_tokens, total.output_tokens, total.total_cost_usd, total.model_calls) == (2, 4, 1.0, 2)


@pytest.mark.parametrize("bills", [(KNOWN, UNKNOWN), (UNKNOWN, KNOWN)])
def test_one_unknown_cost_makes_the_sum_unknown(bills: tuple[Usage, Usage]) -> None:
    total = add(*bills)
    assert (total.total_cost_usd, total.cost_source) == (None, "unknown")


def test_an_estimate_makes_the_sum_an_estimate() -> None:
    assert add(KNOWN, Usage(model_calls=1, estimated=True)).estimated
