"""Errors to answers: the one boundary of this door."""

import logging

from agentrouted.core.errors import AgentroutedError
from agentrouted.server.envelope import error_object
from agentrouted_protocol.errors import CODES, ErrorData, ErrorObject
from agentrouted_protocol.validation import InvalidParamsError

logger = logging.getLogger(__name__)


def error_answer(error: BaseException) -> ErrorObject:
    """What the peer is told. No traceback, prompt or secret gets into it."""
    if isinstance(error, AgentroutedError):
        return ErrorObject(code=CODES[error.kind], message=error.message, data=_error_data(error))
    if isinstance(error, InvalidParamsError):
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        data = ErrorData(kind="invalidParams", details={"problems": problems})
        return ErrorObject(code=CODES["invalidParams"], message=str(error), data=data)
    logger.error("a request failed by a fault of ours", exc_info=error)
    return error_object("internalError", f"internal error ({type(error).__name__})", hint="see `agentrouted logs`")


def _error_data(error: AgentroutedError) -> ErrorData:
    return ErrorData(
        kind=error.kind,
        retryable=error.retryable,
        hint=error.hint,
        retry_after=error.retry_after,
        run_id=error.run_id,
        usage=error.usage,
        messages=error.messages,
        provider=error.provider,
        details=error.details,
    )
