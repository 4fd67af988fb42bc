"""`<think>` at the front of a reply, told from its text."""

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkSplitter:
    """Takes the text of a reply in pieces of any size, and gives each back as (reasoning, text).

    Only what stands at the very front counts: further on, `<think>` is something that the model writes about.
    What might still become a tag is held back; `end` gives what is left.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._has_thought = False
        self._settled = False

    def feed(self, piece: str) -> tuple[str, str]:
        if self._settled:
            return "", piece
        self._held += piece
        reasoning = ""
        while self._inside or self._enter():
            thought, closed = self._think()
            reasoning += thought
            if not closed:
                return reasoning, ""
        return reasoning, "" if _OPEN.startswith(self._held.lstrip()) else self._settle()

    def end(self) -> tuple[str, str]:
        return (self._held, "") if self._inside else ("", self._settle())

    def _enter(self) -> bool:
        front = self._held.lstrip()
        if front.startswith(_OPEN):
            self._inside, self._held = True, front[len(_OPEN) :]
        return self._inside

    def _think(self) -> tuple[str, bool]:
        """What is surely reasoning, and whether it has come to its end."""
        thought, tag, after = self._held.partition(_CLOSE)
        self._has_thought = True
        if tag:
            self._inside, self._held = False, after
            return thought, True
        started = next((n for n in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:n])), 0)
        surely = len(thought) - started
        self._held = thought[surely:]
        return thought[:surely], False

    def _settle(self) -> str:
        self._settled = True
        text, self._held = self._held, ""
        # The blank lines between reasoning and text belong to neither.
        return text.lstrip() if self._has_thought else text
