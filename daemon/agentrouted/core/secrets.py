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


# Of each kind its name, what a text with one has to contain, and its shape. So strict that plain words never fit.
_SECRETS: Final = tuple(
    (kind, marks, re.compile(shape))
    for kind, marks, shape in (
        (
            "private key",
            ("PRIVATE KEY",),
            # Of one that was cut off, all that follows.
            r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)",
        ),
        ("AWS key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        (
            "GitHub token",
            ("gh", "github_pat_"),
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
        ),
        ("GitLab token", ("glpat-",), r"\bglpat-[\w-]{20,}"),
        ("Slack token", ("xox",), r"\bxox[a-z]-(?=[\w-]*\d)[\w-]{10,}"),
        ("Google API key", ("AIza",), r"\bAIza[\w-]{30,}"),
        ("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z0-9]{20,}"),
        (
            "API key",
            ("sk-", "sk_", "pk_", "rk_", "gsk_", "xai-", "nvapi-", "pplx-"),
            r"\b(?:sk[-_]|[pr]k_(?:live|test)_|gsk_|xai-|nvapi-|pplx-)(?=[\w-]*\d)[\w-]{16,}",
        ),
        ("signed token", ("eyJ",), r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
        ("password", ("://",), r"(?<=://)[^\s/:@]*:[^\s/:@]{3,}(?=@)"),
    )
)


def secrets_in(text: str) -> list[str]:
    """Which kinds of secrets stand in it."""
    return [kind for kind, marks, shape in _SECRETS if any(mark in text for mark in marks) and shape.search(text)]


def without_secrets(text: str) -> str:
    """The text with the name of its kind in the place of each."""
    for kind, marks, shape in _SECRETS:
        if any(mark in text for mark in marks):
            text = shape.sub(f"[{kind}]", text)
    return text
