"""Circuits that open and close, and what is measured."""

from dataclasses import replace

import pytest

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ContextOverflow,
    InvalidParams,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExceeded,
    RateLimited,
)
from agentrouted.core.health import FAULTS, REST, Health
from agentrouted_protocol.errors import ProviderReply

HOSTED = Endpoint("acme", "m", "https://acme.example/v1", "chat_completions", local=False)
LOCAL = replace(HOSTED, local=True)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(health: Health, error: AgentroutedError, times: int = FAULTS, endpoint: Endpoint = HOSTED) -> None:
    for _ in range(times):
        health.failed(endpoint, error)


def test_a_circuit_opens_after_so_many_faults_in_a_row() -> None:
    health = Health(Clock())
    fail(health, ProviderUnreachable("gone"), FAULTS - 1)
    assert health.takes_calls(HOSTED) and not health.is_open(HOSTED)
    health.answered(HOSTED, 0.1)
    fail(health, ProviderTimeout("late"))
    assert not health.takes_calls(HOSTED) and health.is_open(HOSTED)
    assert health.takes_calls(replace(HOSTED, model_id="other"))


def test_after_a_rest_one_caller_tries_and_closes_it_or_opens_it_again() -> None:
    clock = Clock()
    health = Health(clock)
    fail(health, ProviderUnreachable("gone"))
    for mended in (False, True):
        clock.now += REST
        assert [health.takes_calls(HOSTED), health.takes_calls(HOSTED)] == [True, False]
        if mended:
            health.answered(HOSTED, None)
        else:
            health.failed(HOSTED, ProviderUnreachable("gone"))
    assert health.takes_calls(HOSTED) and not health.is_open(HOSTED)


def test_who_asks_for_a_pause_is_asked_after_others_as_long() -> None:
    clock = Clock()
    health = Health(clock)
    health.failed(HOSTED, RateLimited("busy", retry_after=7))
    assert not health.takes_calls(HOSTED) and not health.is_open(HOSTED)
    clock.now += 7
    assert health.takes_calls(HOSTED) and health.takes_calls(HOSTED)


def test_accounts_of_one_provider_rest_each_for_itself() -> None:
    health = Health(Clock())
    accounts = [replace(HOSTED, account=name) for name in ("one", "two")]
    health.failed(accounts[0], QuotaExceeded("no credit"))
    assert [health.takes_calls(each) for each in accounts] == [False, True]


def test_without_credit_others_are_asked_first_at_once() -> None:
    health = Health(Clock())
    health.failed(HOSTED, QuotaExceeded("no credit"))
    assert not health.takes_calls(HOSTED)


@pytest.mark.parametrize(
    "error",
    [
        InvalidParams("wrong"),
        ContextOverflow("long"),
        ProviderError("no", provider=ProviderReply(name="acme", status=400)),
    ],
)
def test_faults_of_the_request_are_not_the_endpoints(error: AgentroutedError) -> None:
    health = Health(Clock())
    fail(health, error, 9)
    assert health.takes_calls(HOSTED)


def test_a_server_of_this_machine_is_left_alone_only_if_it_hangs() -> None:
    health = Health(Clock())
    fail(health, ProviderUnreachable("not started"), endpoint=LOCAL)
    assert health.takes_calls(LOCAL)
    fail(health, ProviderTimeout("hangs"), endpoint=LOCAL)
    assert not health.takes_calls(LOCAL)


def test_a_measurement_is_smoothed_and_grows_old() -> None:
    clock = Clock()
    health = Health(clock)
    assert health.seconds(HOSTED) is None
    health.answered(HOSTED, 1.0)
    health.answered(HOSTED, 2.0)
    assert health.seconds(HOSTED) == pytest.approx(1.3)
    clock.now += 601
    assert health.seconds(HOSTED) is None
