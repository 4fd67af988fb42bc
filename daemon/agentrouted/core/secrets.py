"""What looks like a key, and so is not shown, nor kept unsaid."""

import re
from typing import Final

_SHAPES: Final = re.compile(
    r"\b(?:sk|pk|rk|hf|gsk|xai|nvapi|pplx|key)[-_][\w*.-]{6,}|\bAIza[\w-]{10,}|\b(?i:bearer|basic)\s+[\w.~+/*-]{12,}=*"
)
# Names may begin with `hf-` or `xai-`, but hold no long run of letters and digits.
_IN_A_NAME: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|nvapi)[-_][\w-]{6,}|\bAIza[\w-]{10,}|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}"
)


def without_keys(text: str) -> str:
    """Free text, with nothing of the shape of a key left in it."""
    return _SHAPES.sub("[key]", text)


def name_without_keys(name: str) -> str:
    """What should be a name, and may be a key that was pasted in its place."""
    return _IN_A_NAME.sub("[key]", name)


# Of each kind its name and its shape, so strict that plain words never fit. None begins within what it may repeat: the
# time they take grows with the text, and no faster.
_SECRETS: Final = tuple(
    (kind, re.compile(shape))
    for kind, shape in (
        (
            "private key",
            # Of one that was cut off, all that follows.
            r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)",
        ),
        ("AWS key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        (
            "GitHub token",
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
        ),
        ("GitLab token", r"\bglpat-[\w-]{20,}"),
        ("Slack token", r"(?<![\w-])xox[a-z]-(?=[\w-]*\d)[\w-]{10,}"),
        ("Google API key", r"\bAIza[\w-]{30,}"),
        ("Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
        (
            "API key",
            r"(?<![\w-])(?:sk[-_]|[pr]k_(?:live|test)_|gsk_|xai-|nvapi-|pplx-)(?=[\w-]*\d)[\w-]{16,}",
        ),
        ("signed token", r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
        ("bearer token", r"(?<=\b[Bb]earer )(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*"),
        ("password", r"(?<=://)[^\s/:@]*:[^\s/:@]{3,}(?=@)"),
    )
)


# What a text with any of them contains: most texts are done with at once. One by one, they are found sooner than by a
# pattern that has them all; and each of the many marks has one of the few signs.
_SIGNS: Final = ("-", "_", "://", "AKIA", "ASIA", "AIza", "eyJ", "earer ")
_MARKS: Final = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza"),
    *("hf_", "sk-", "sk_", "pk_", "rk_", "xai-", "nvapi-", "pplx-", "eyJ", "://", "earer "),
)


def secrets_in(text: str) -> list[str]:
    """Which kinds of secrets stand in it."""
    if not any(sign in text for sign in _SIGNS) or not any(mark in text for mark in _MARKS):
        return []
    return [kind for kind, shape in _SECRETS if shape.search(text)]


def without_secrets(text: str) -> str:
    """The text with the name of its kind in the place of each."""
    for kind, shape in _SECRETS:
        text = shape.sub(f"[{kind}]", text)
    return text
