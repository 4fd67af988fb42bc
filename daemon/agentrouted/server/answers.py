"""Errors to answers: the one boundary of this door."""

import logging

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.failure import to_error_object
from agentrouted.server.envelope import error_object
from agentrouted_protocol.errors import CODES, ErrorData, ErrorObject
from agentrouted_protocol.validation import InvalidParamsError

logger = logging.getLogger(__name__)


def error_answer(error: BaseException) -> ErrorObject:
    """What the peer is told. No traceback, prompt or secret gets into it."""
    if isinstance(error, AgentroutedError):
        return to_error_object(error)
    if isinstance(error, InvalidParamsError):
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        data = ErrorData(kind="invalidParams", details={"problems": problems})
        return ErrorObject(code=CODES["invalidParams"], message=str(error), data=data)
    logger.error("a request failed by a fault of ours", exc_info=error)
    return error_object("internalError", f"internal error ({type(error).__name__})", hint="see `agentrouted logs`")
