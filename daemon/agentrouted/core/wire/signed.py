"""Signed reasoning, on its way back to who wrote it."""

from collections.abc import Sequence
from typing import Any

from agentrouted.core.endpoint import Endpoint
from agentrouted_protocol.messages import Message, SignedBlock, SignedReasoning


def signed_by(endpoint: Endpoint, blocks: Sequence[SignedBlock]) -> SignedReasoning | None:
    if not blocks:
        return None
    return SignedReasoning(
        wire=endpoint.wire, provider=endpoint.provider, model_id=endpoint.model_id, blocks=list(blocks)
    )


def with_signed(endpoint: Endpoint, message: Message, parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of a message, its text and its calls, with the signed reasoning where it stood among them.

    Without, if another model wrote it: it could not read it, and would refuse it.
    """
    whole = list(parts)
    for inserted, each in enumerate(own_blocks(endpoint, message)):
        whole.insert(each.at + inserted, each.block)
    return whole


def own_blocks(endpoint: Endpoint, message: Message) -> Sequence[SignedBlock]:
    """None, if another model wrote them."""
    signed = message.signed
    return signed.blocks if signed and signed_by(endpoint, signed.blocks) == signed else ()
