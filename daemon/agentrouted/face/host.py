"""A Python program as the host of its runs."""

from typing import Final

from agentrouted.core.errors import ToolFailed
from agentrouted.core.key_source import FetchedKey
from agentrouted.face.bill import usage_of
from agentrouted.face.caller import Caller
from agentrouted.face.channel import Channel
from agentrouted.face.context import Context
from agentrouted.face.result import Event
from agentrouted.face.settings import Approve
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import (
    SecretGetParams,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)

_MOST_UNREAD: Final = 64


class PythonHost:
    """Hears events, if somebody reads them, and asks the program for approval."""

    takes_tools = False
    takes_secrets = False

    def __init__(self, caller: Caller, context: Context, approve: Approve | None, heard: Channel[Event] | None) -> None:
        self._caller = caller
        self._context = context
        self._approve = approve
        self._heard = heard

    @property
    def ready(self) -> bool:
        return self._heard is None or len(self._heard) < _MOST_UNREAD

    @property
    def takes_approvals(self) -> bool:
        return self._approve is not None

    def emit(self, event: events.Event) -> None:
        if self._heard is not None:
            self._heard.put(face_event(event))

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        raise ToolFailed(f"nobody is here to run {params.name}")

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        if self._approve is None:
            raise ToolFailed(f"{params.name} needs approval, and the agent has no `approve`")
        try:
            answer = await self._caller.call(self._approve, self._context, params)
        except Exception as error:  # the user's own: without a decision, the call is not made
            raise ToolFailed(f"{type(error).__name__}: {error}") from error
        if isinstance(answer, ToolApproveResult):
            return answer
        if isinstance(answer, str):
            return ToolApproveResult(decision=answer)
        return ToolApproveResult(decision="allow_once" if answer else "reject_once")

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        return None


def face_event(event: events.Event) -> Event:
    fields = event.model_dump(exclude={"meta"})
    kind = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in fields.pop("kind"))
    usage = getattr(event, "usage", None)
    return Event(kind, fields if usage is None else {**fields, "usage": usage_of(usage)})
