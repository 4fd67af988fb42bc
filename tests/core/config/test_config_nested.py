"""Names under `models` that lead to each other, and what one says that the other does not heed."""

from agentrouted.core.config.load import load_text

CONFIG = """
models:
  fast: {endpoints: [groq/a, groq/b], hedge_after: 2, fallback_on: [model_missing], strategy: fastest}
  best: {endpoints: [openai/c, fast]%s}
"""


def warned(outer: str = "") -> list[tuple[str, int]]:
    loaded = load_text(CONFIG % outer, None, {})
    assert loaded.config and all(problem.severity == "warning" for problem in loaded.problems)
    return [(each.path or "", each.range.start.line) for each in loaded.problems if each.range]


def test_what_has_no_effect_inside_another_name_is_told_where_it_stands() -> None:
    assert warned() == [("models.fast.hedge_after", 2), ("models.fast.fallback_on", 2)]


def test_what_both_say_is_no_problem() -> None:
    assert warned(", hedge_after: 2, fallback_on: [model_missing]") == []


def test_a_name_that_means_the_model_itself_heeds_itself() -> None:
    assert load_text("models: {gpt-4o: {endpoints: [gpt-4o, groq/a], hedge_after: 1}}", None, {}).problems == ()
