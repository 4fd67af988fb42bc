"""What the first endpoint of a chain may do, so that the next one is asked."""

import json
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import runs

from agentrouted.core.errors import AgentroutedError
from agentrouted.testing.replies import Reply, chunk
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.runs import RunAgentParams

BEGUN = json.dumps(chunk({"role": "assistant", "content": ""})).encode()
FAULTS = {
    **{f"status {code}": Reply.status(code) for code in (402, 408, 425, 429, 500, 502, 503, 504, 522, 529)},
    "hangs up": Reply.hang_up(),
    "silence": Reply.silence(),
    "a reset after the first byte": Reply.raw(b"d").cut(after=1),
    "a reset before any text": Reply.raw(b"data: %b\n\n" % BEGUN).cut(after=10_000),
    "an end before any text": Reply.raw(b"data: %b\n\n" % BEGUN),
    "an error in the first event": Reply.events({"error": {"message": "overloaded", "code": 502}}),
    "an error in the second": Reply.events(chunk({"role": "assistant"}), {"error": {"message": "overloaded"}}),
    "an error in a 200": Reply.json({"error": {"message": "no worker is free"}}),
    "nothing said": Reply.text(""),
    "no choices": Reply.events({"choices": []}, "[DONE]"),
    "a web page": Reply((b"<html>Sign in</html>",)),
    "an empty body": Reply(()),
}
STAYS = {"status 400": Reply.status(400), "status 401": Reply.status(401), "status 403": Reply.status(403)}


def config(first: Upstream, second: Upstream) -> str:
    providers = {
        "one": {"api_base": first.url, "retries": 0, "timeouts": {"first_byte": 0.5}},
        "two": {"api_base": second.url},
    }
    return json.dumps({"providers": providers, "models": {"chain": ["one/m", "two/m"]}})


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_next_endpoint_answers(fault: str, tmp_path: Path) -> None:
    host = WritingHost()
    async with (
        Upstream([FAULTS[fault]]) as first,
        Upstream([Reply.text("Here.")]) as second,
        runs(tmp_path, config(first, second)) as all_runs,
    ):
        result = await all_runs.start(RunAgentParams(model="chain", prompt="Hi"), host).result()
    assert (result.text, result.route and result.route.provider) == ("Here.", "two")
    assert "".join(event.text for event in host.events if event.kind == "textDelta") == "Here."
    assert [event.kind for event in host.events].count("fallback") == 1


@pytest.mark.parametrize("fault", STAYS)
async def test_what_is_wrong_with_the_request_is_wrong_everywhere(fault: str, tmp_path: Path) -> None:
    async with (
        Upstream([STAYS[fault]]) as first,
        Upstream([Reply.text("Here.")]) as second,
        runs(tmp_path, config(first, second)) as all_runs,
    ):
        with pytest.raises(AgentroutedError):
            await all_runs.start(RunAgentParams(model="chain", prompt="Hi"), WritingHost()).result()
    assert second.requests == []


async def test_after_the_first_word_nobody_else_is_asked(tmp_path: Path) -> None:
    half = Reply.raw(b"data: %b\n\n" % json.dumps(chunk({"content": "Hel"})).encode()).cut(after=10_000)
    async with (
        Upstream([half]) as first,
        Upstream([Reply.text("Here.")]) as second,
        runs(tmp_path, config(first, second)) as all_runs,
    ):
        with pytest.raises(AgentroutedError) as caught:
            await all_runs.start(RunAgentParams(model="chain", prompt="Hi"), WritingHost()).result()
    assert caught.value.kind == "responseTruncated"
    assert second.requests == []
