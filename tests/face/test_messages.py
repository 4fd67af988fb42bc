"""Messages in the shape of OpenAI, and in the contract's."""

from typing import Any

import pytest

from agentrouted import Message
from agentrouted.face.conversion import from_core, to_core
from agentrouted_protocol.messages import FilePart, ImagePart, TextPart, ToolCall
from agentrouted_protocol.messages import Message as CoreMessage

CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}

SIGNED: dict[str, Any] = {
    "wire": "anthropic_messages",
    "provider": "anthropic",
    "modelId": "m",
    "blocks": [{"at": 0, "block": {"type": "thinking", "signature": "s1"}}],
}


def test_a_message_can_be_written_by_position() -> None:
    message = Message("tool", "3", None, "c1", "add")
    assert message.to_dict() == {"role": "tool", "content": "3", "tool_call_id": "c1", "name": "add"}


def test_what_is_not_there_is_left_out_of_the_dictionary() -> None:
    assert Message("assistant", None, [CALL]).to_dict() == {"role": "assistant", "tool_calls": [CALL]}
    assert Message("assistant", "").to_dict() == {"role": "assistant", "content": ""}


def test_a_dictionary_is_a_message_again() -> None:
    message = Message("assistant", "Hm.", [CALL], reasoning="Let me see.", signed=SIGNED)
    assert Message.from_dict(message.to_dict()) == message


def test_signed_reasoning_stays_what_it_is() -> None:
    message = Message("assistant", "Hm.", reasoning="Let me see.", signed=SIGNED)
    assert from_core(to_core(message)) == message
    with pytest.raises(ValueError, match="not a message: blocks"):
        to_core(Message("assistant", "Hm.", signed={"wire": "w", "provider": "p", "modelId": "m"}))


def test_arguments_are_an_object_in_the_core_and_json_text_outside() -> None:
    core = to_core(Message("assistant", None, [CALL]))
    assert core.tool_calls == [ToolCall(id="c1", name="add", arguments={"a": 1})]
    assert from_core(core) == Message("assistant", None, [CALL])


@pytest.mark.parametrize("arguments", ["", "{bad", "[1]", None])
def test_arguments_that_are_no_object_are_none_at_all(arguments: Any) -> None:
    call = {"id": "c1", "function": {"name": "add", "arguments": arguments}}
    assert to_core(Message("assistant", None, [call])).tool_calls == [ToolCall(id="c1", name="add")]


def test_images_and_files_keep_their_data_and_address() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
    ]
    core = to_core(Message("user", parts))
    assert core.content == [
        TextPart(text="Look"),
        ImagePart(url="https://example.org/a.png"),
        ImagePart(data="QUJD", mime_type="image/png"),
        FilePart(data="QUJD", mime_type="application/pdf", name="a.pdf"),
    ]
    assert from_core(core).content == parts


@pytest.mark.parametrize("content", [[{"type": "audio"}], [{"type": "text"}]])
def test_a_part_that_nobody_knows_is_refused(content: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="not a part of a message"):
        to_core(Message("user", content))


def test_a_role_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="role"):
        to_core(Message("robot", "Hi"))


def test_a_message_of_nothing_but_calls_has_no_content() -> None:
    core = CoreMessage(role="assistant", tool_calls=[ToolCall(id="c1", name="add")])
    assert from_core(core).content is None
    assert from_core(CoreMessage(role="assistant")).content == ""
