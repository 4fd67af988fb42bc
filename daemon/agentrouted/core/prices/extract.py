"""What we need of genai-prices, as JSON."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from pydantic_core import to_json


def extract() -> bytes:
    """`listings.Provider`s. Takes its time, and memory that is not given back: 8 MB."""
    from genai_prices.data_snapshot import get_snapshot

    return to_json([_provider(each) for each in get_snapshot().providers])


def _provider(listed: Any) -> dict[str, Any]:
    exact: dict[str, int] = {}
    rules: list[tuple[int, str, Any]] = []
    for number, model in enumerate(listed.models):
        for kind, value in _alternatives(model.match):
            if kind == "equals":
                exact.setdefault(value, number)
            else:
                rules.append((number, kind, value))
    models = [{"window": model.context_window, "prices": list(_prices(model.prices))} for model in listed.models]
    return {
        "id": listed.id,
        "begins": _beginning(listed.api_pattern),
        "pattern": listed.api_pattern,
        "also": listed.fallback_model_providers or [],
        "listed": to_json({"exact": exact, "rules": rules, "models": models}).decode(),
    }


def _beginning(pattern: str) -> str:
    """What all that fits the pattern begins with."""
    literal = re.match(r"(?:(?:[\w:/-]|\\\.)(?![?*{]))*", pattern)
    return literal[0].replace("\\", "") if literal and "|" not in re.sub(r"\(.*?\)", "", pattern) else ""


def _alternatives(clause: Any) -> Iterator[tuple[str, Any]]:
    kind, value = _plain(clause)
    if kind == "or_":
        for each in clause.or_:
            yield from _alternatives(each)
    else:
        yield kind, value


def _plain(clause: Any) -> tuple[str, Any]:
    """`starts_with` and its text; `or_` and a list of such."""
    [(kind, value)] = vars(clause).items()
    if isinstance(value, list):
        return kind, [_plain(each) for each in value]
    return kind, value if kind == "regex" else value.lower()


def _prices(listed: Any) -> Iterator[dict[str, Any]]:
    """The later one holds, of those whose time it is."""
    if not isinstance(listed, list):
        yield _amounts(listed)
        return
    for each in listed:
        when = _when(each.constraint)
        if when is not None:
            yield {**when, **_amounts(each.prices)}


def _when(constraint: Any) -> dict[str, str] | None:
    """None for a condition of which we know nothing: then the others hold."""
    match constraint:
        case None:
            return {}
        case object(start_date=date() as start):
            return {"since": start.isoformat()}
        case object(start_time=time() as start, end_time=time() as end):
            return {"start": _in_utc(start), "end": _in_utc(end)}
        case _:
            return None


def _in_utc(of_day: time) -> str:
    return datetime.combine(date(1970, 1, 1), of_day, of_day.tzinfo or UTC).astimezone(UTC).strftime("%H:%M:%S")


def _amounts(price: Any) -> dict[str, float | None]:
    """Dollars for a million tokens; of a price that grows with the prompt, where it begins."""
    amounts = {"input": price.input_mtok, "output": price.output_mtok, "cached": price.cache_read_mtok}
    return {name: float(getattr(each, "base", each)) for name, each in amounts.items() if each is not None}
