"""numpy, and what compares by it, when it is needed first."""

from typing import Any

from agentrouted.core.errors import ConfigInvalid


def load_nearest() -> Any:
    """The module. numpy takes a sixth of a second, and may not be there."""
    try:
        from agentrouted.core.memory.vectors import nearest
    except ImportError as error:
        raise ConfigInvalid(
            f"`memory.vectors` needs numpy: {error}", hint="pip install 'agentrouted[vectors]'"
        ) from error
    return nearest
