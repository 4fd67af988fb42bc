"""Who has only a progress bar, or a terminal, sees what a run waits for, too."""

import pytest

from agentrouted.cli.answer import AnswerInWords
from agentrouted.server.words import progress_value
from agentrouted_protocol.events import BudgetEvent

WAITS = BudgetEvent(run_id="r", seq=1, name="daily", spent=1.5, reserved=0.5, limit=2, waits=True)
NEARLY_USED_UP = BudgetEvent(run_id="r", seq=1, name="daily", spent=1.6, limit=2)


def test_progress_says_that_a_run_waits_for_a_budget() -> None:
    assert progress_value(WAITS) == {"kind": "report", "message": "waiting for room in budget daily"}
    assert progress_value(NEARLY_USED_UP) is None


def test_the_terminal_says_that_a_run_waits_for_a_budget(capsys: pytest.CaptureFixture[str]) -> None:
    answer = AnswerInWords()
    answer.show(WAITS)
    answer.show(NEARLY_USED_UP)
    shown = capsys.readouterr()
    assert shown.err.count("waiting for room in budget daily") == 1 and shown.out == ""
