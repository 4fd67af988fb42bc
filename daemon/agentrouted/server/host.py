"""A connected client as the host of a run."""

import asyncio
import logging
from typing import Any, Final, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import HostGone
from agentrouted.core.key_source import FetchedKey
from agentrouted.core.keys.base import KeptKeys
from agentrouted.server import words
from agentrouted.server.rpc import Connection, RequestRefused
from agentrouted_protocol.base import Token
from agentrouted_protocol.client_requests import (
    SecretGetParams,
    SecretGetResult,
    ToolApproveParams,
    ToolApproveResult,
    ToolCallParams,
    ToolCallResult,
)
from agentrouted_protocol.daemon import ClientOptions
from agentrouted_protocol.events import Event

_Result = TypeVar("_Result", bound=BaseModel)

_APPROVAL_SECONDS: Final = 600.0
_SECRET_SECONDS: Final = 300.0

logger = logging.getLogger(__name__)


class ClientHost:
    """Carries one run's events and questions over the connection that asked for it.

    With a `partialResultToken` events are values of `$/progress`; else they are `run/event`. With a `workDoneToken`
    progress is reported in words too (LSP 3.17, "Work Done Progress").
    """

    def __init__(
        self,
        connection: Connection,
        options: ClientOptions,
        secrets: KeptKeys,
        *,
        partial_result_token: Token | None,
        work_done_token: Token | None,
    ) -> None:
        self._connection = connection
        self._options = options
        self._secrets = secrets
        self._partial_result_token = partial_result_token
        self._work_done_token = work_done_token

    @property
    def ready(self) -> bool:
        return not self._connection.link.is_congested

    @property
    def takes_tools(self) -> bool:
        return self._options.tools and not self._is_gone

    @property
    def takes_approvals(self) -> bool:
        return self._options.approvals and not self._is_gone

    @property
    def takes_secrets(self) -> bool:
        return self._options.secrets and not self._is_gone

    @property
    def _is_gone(self) -> bool:
        return self._connection.state == "closed"

    def emit(self, event: Event) -> None:
        if self._partial_result_token is not None:
            self._progress(self._partial_result_token, event)
        elif "run/event" not in self._options.opt_out:
            self._connection.notify("run/event", event)
        if self._work_done_token is not None and (value := words.progress_value(event)):
            self._progress(self._work_done_token, value)

    async def call_tool(self, params: ToolCallParams) -> ToolCallResult:
        return await self._ask("tool/call", params, ToolCallResult)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        """The client's decision. No answer, a late one or one that can't be read is a rejection."""
        try:
            async with asyncio.timeout(_APPROVAL_SECONDS):
                return await self._ask("tool/approve", params, ToolApproveResult)
        except HostGone:
            raise
        except (ToolFailed, TimeoutError):
            return ToolApproveResult(decision="reject_once", message="it was not approved")

    async def get_secret(self, params: SecretGetParams) -> FetchedKey | None:
        """The client's key for a host. It is asked once; no answer, a late one or one that can't be read is none."""
        return await self._secrets.get((params.provider, params.host), lambda: self._ask_secret(params))

    async def _ask_secret(self, params: SecretGetParams) -> SecretStr | None:
        try:
            async with asyncio.timeout(_SECRET_SECONDS):
                answer = await self._ask("secret/get", params, SecretGetResult)
        except HostGone:
            raise
        except (ToolFailed, TimeoutError) as error:
            logger.info("no key for %.100s came from the client: %.200s", params.host, error or "it took too long")
            return None
        value = (answer.value or "").strip()
        return SecretStr(value) if value else None

    async def _ask(self, method: str, params: BaseModel, result: type[_Result]) -> _Result:
        try:
            answer = await self._connection.ask(method, params)
            return result.model_validate(answer, strict=True, by_alias=True, by_name=False)
        except RequestRefused as error:
            raise (HostGone if self._is_gone else ToolFailed)(f"{method}: {error}") from error
        except ValidationError as error:
            raise ToolFailed(f"{method}: the client's answer is not a {result.__name__}") from error

    def _progress(self, token: Token, value: Any) -> None:
        if "$/progress" not in self._options.opt_out:
            self._connection.notify("$/progress", {"token": token, "value": value})
