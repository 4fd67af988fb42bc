"""Events: numbered densely, text gathered."""

from harness.hosts import WritingHost

from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.wire.base import CallArguments, ReasoningChunk, TextChunk
from agentrouted_protocol import events
from agentrouted_protocol.messages import Usage


def text_of(host: WritingHost) -> list[str]:
    return [event.text for event in host.events if event.kind == "textDelta"]


def test_text_of_one_read_is_one_delta() -> None:
    host = WritingHost()
    Emitter("r", host, stream=True).chunks([TextChunk("a"), TextChunk("b")])
    assert text_of(host) == ["ab"]


def test_reasoning_and_text_stay_apart_and_in_order() -> None:
    host = WritingHost()
    Emitter("r", host, stream=True).chunks([ReasoningChunk("hm"), ReasoningChunk("m"), TextChunk("a")])
    assert [(event.kind, event.text) for event in host.events] == [("reasoningDelta", "hmm"), ("textDelta", "a")]


def test_a_host_that_is_not_ready_gets_fewer_deltas_and_no_gap() -> None:
    host = WritingHost()
    emitter = Emitter("r", host, stream=True)
    host.ready = False
    for letter in "abc":
        emitter.chunks([TextChunk(letter)])
    assert host.events == []
    host.ready = True
    emitter.chunks([TextChunk("d")])
    assert text_of(host) == ["abcd"] and emitter.last_seq == 1


def test_text_that_waits_leaves_before_the_next_step() -> None:
    host = WritingHost()
    emitter = Emitter("r", host, stream=True)
    host.ready = False
    emitter.chunks([TextChunk("a")])
    emitter.emit(events.AgentEnd, usage=Usage())
    assert host.kinds == ["textDelta", "agentEnd"]
    assert [event.seq for event in host.events] == [1, 2]


def test_without_stream_nothing_of_a_reply_is_sent() -> None:
    host = WritingHost()
    Emitter("r", host, stream=False).chunks([TextChunk("a"), CallArguments("c", "{")])
    assert host.events == []
