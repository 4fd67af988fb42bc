"""How many of a thing there are, in words."""


def in_words(count: int, noun: str) -> str:
    """`1 fact`, `2,000 facts`, `1 entry`, `2 entries`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
