"""Names of scopes and sessions, with nothing secret in them."""

from agentrouted.core.errors import InvalidParams
from agentrouted.core.secrets import secrets_in
from agentrouted_protocol.scope import Scope


def refuse_secrets(scope: Scope | None, session_id: str | None = None) -> None:
    """Raises `InvalidParams` where a name holds one: it cannot be left out, as it is of a text."""
    for name, value in (("sessionId", session_id), *(scope or Scope())):
        if kinds := secrets_in(value or ""):
            raise InvalidParams(
                f"`{name}` holds what looks like a secret ({', '.join(kinds)})",
                hint="name it otherwise, such as by a hash of it: names are shown, and stay in the ledger",
            )
