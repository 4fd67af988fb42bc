"""Circuits that open and close, and what is measured."""

from dataclasses import replace

import pytest
from harness.routes import World

from agentrouted.core.agent.failover import ask_in_turn
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
from agentrouted.core.routing.candidates import in_turn
from agentrouted.core.routing.endpoints import ResolvedEndpoint
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
        assert health.takes_calls(HOSTED)
        health.is_asked(HOSTED)
        assert not health.takes_calls(HOSTED)
        if mended:
            health.answered(HOSTED, None)
        else:
            health.failed(HOSTED, ProviderUnreachable("gone"))
    assert health.takes_calls(HOSTED) and not health.is_open(HOSTED)


def test_to_look_at_a_rested_one_is_not_to_try_it() -> None:
    clock = Clock()
    health = Health(clock)
    fail(health, ProviderUnreachable("gone"))
    clock.now += REST
    assert health.takes_calls(HOSTED) and health.takes_calls(HOSTED)


async def test_whoever_is_not_asked_in_the_end_was_not_tried() -> None:
    clock = Clock()
    health = Health(clock)
    one, two = World(config="models: {x: ['https://one/v1/m', 'https://two/v1/m']}").resolve("x").endpoints
    fail(health, ProviderUnreachable("gone"), endpoint=two.endpoint)
    clock.now += REST

    async def refuse(candidate: ResolvedEndpoint) -> None:
        health.is_asked(candidate.endpoint)
        raise InvalidParams("wrong")

    with pytest.raises(InvalidParams):
        await ask_in_turn(in_turn((one, two), health), refuse, lambda *_: False)
    assert health.takes_calls(two.endpoint)


def test_a_trial_that_shows_nothing_is_given_to_the_next_call() -> None:
    clock = Clock()
    health = Health(clock)
    fail(health, ProviderUnreachable("gone"))
    clock.now += REST
    health.is_asked(HOSTED)
    health.failed(HOSTED, ContextOverflow("long"))
    assert health.takes_calls(HOSTED) and health.is_open(HOSTED)


def test_to_ask_a_resting_one_is_no_reason_to_rest_longer() -> None:
    clock = Clock()
    health = Health(clock)
    fail(health, ProviderUnreachable("gone"))
    clock.now += REST / 2
    health.is_asked(HOSTED)
    clock.now += REST / 2
    assert health.takes_calls(HOSTED)


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
