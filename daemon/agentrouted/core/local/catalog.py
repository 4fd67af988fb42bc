"""Which GGUF models are here, and which one a name means."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from agentrouted.core.errors import ModelMissing
from agentrouted.core.local.known import KNOWN_MODELS

Source = Literal["agentrouted", "ollama", "lm_studio", "huggingface", "path"]

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_OLLAMA_LAYER = "application/vnd.ollama.image.model"
_MEND = "`agentrouted models` lists what is here; `agentrouted models pull smollm2-135m` fetches a demo model"


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Where each program keeps its models; a folder that is not there holds none."""

    home: Path
    agentrouted: Path
    ollama: Path
    lm_studio: tuple[Path, ...]
    huggingface: Path


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that `local/<name>` runs."""

    name: str
    path: Path
    source: Source
    size: int
    """Bytes on disk."""


def model_folders(environ: Mapping[str, str], home: Path) -> ModelFolders:
    """The folders as the programs' own variables say, else their defaults."""
    ollama = environ.get("OLLAMA_MODELS") or home / ".ollama/models"
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    hub = environ.get("HF_HUB_CACHE") or Path(environ.get("HF_HOME") or cache / "huggingface") / "hub"
    return ModelFolders(
        home=home,
        agentrouted=own_folder(home),
        ollama=Path(ollama),
        lm_studio=(home / ".lmstudio/models", home / ".cache/lm-studio/models"),
        huggingface=Path(hub),
    )


def brought_template(model: LocalModel) -> str | None:
    """The one that we bring for a model of ours; None is the model's own. Reads the disk."""
    known = KNOWN_MODELS.get(model.name)
    if known is None or known.chat_template is None or (model.source, model.size) != ("agentrouted", known.size):
        return None
    return known.chat_template.read_text(encoding="utf-8")


def own_folder(home: Path) -> Path:
    """Where `agentrouted models pull` puts models."""
    return home / ".agentroute/models"


def find_models(folders: ModelFolders) -> list[LocalModel]:
    """All models of all sources, sorted by name. Reads the disk.

    A name says where a model lies, so it never depends on what else is there:

    - `smollm2-135m`: `smollm2-135m.gguf` among our own
    - `ollama/qwen2.5-coder:7b`, `ollama/llama3` (tag `latest`), `ollama/someone/model:tag`, `ollama/hf.co/org/repo:tag`
    - `lm_studio/publisher/repo/file` and `huggingface/org/repo/file`, without `.gguf` and shard number

    Projectors (`mmproj`) and the later shards of a split model are not models; what cannot be read is passed over.
    """
    return _by_name([*_own_models(folders), *_models_of_others(folders)])


def locate(name: str, folders: ModelFolders) -> LocalModel:
    """The model that `name` (the rest of `local/<name>`) means. Reads the disk.

    A path: absolute, from `~/`, or relative with `.gguf` at its end. Else a name of `find_models` in any case, which
    may lack its first parts as long as one model only ends so: `qwen2.5-coder:7b`.
    """
    path = folders.home / name[2:] if name.startswith("~/") else Path(name)
    if path.is_absolute() or path.suffix.lower() == ".gguf":
        if path.is_file():
            return LocalModel(name, path, "path", path.stat().st_size)
        raise ModelMissing(f"There is no model file at {path.absolute()}", hint=_MEND)
    # The folders of others can be large: they are not looked through for a model of ours.
    models = _by_name(_own_models(folders))
    if not _called(name, models):
        models = find_models(folders)
    matches = _called(name, models) or _ending_in(name, models)
    if not matches:
        raise _not_found(name, models, folders)
    if len(matches) > 1:
        names = ", ".join(model.name for model in matches)
        raise ModelMissing(f"Several models on this machine end in {name}: {names}", hint="say the name in full")
    return matches[0]


def _called(name: str, models: list[LocalModel]) -> list[LocalModel]:
    return [model for model in models if model.name.lower() == name.lower()][:1]


def _ending_in(name: str, models: list[LocalModel]) -> list[LocalModel]:
    return [model for model in models if model.name.lower().endswith("/" + name.lower())]


def _by_name(models: Iterable[LocalModel]) -> list[LocalModel]:
    """Of equal names the first counts."""
    first: dict[str, LocalModel] = {}
    for model in models:
        first.setdefault(model.name, model)
    return sorted(first.values(), key=lambda model: model.name)


def _own_models(folders: ModelFolders) -> Iterator[LocalModel]:
    return _readable(_gguf_files(folders.agentrouted, "", "agentrouted"))


def _models_of_others(folders: ModelFolders) -> Iterator[LocalModel]:
    yield from _readable(_ollama_models(folders.ollama))
    for folder in folders.lm_studio:
        yield from _readable(_gguf_files(folder, "lm_studio/", "lm_studio"))
    yield from _readable(_huggingface_models(folders.huggingface))


def _readable(models: Iterator[LocalModel]) -> Iterator[LocalModel]:
    """Up to what cannot be read: a file of another program may be closed to us, or gone since it was listed."""
    with suppress(OSError):
        yield from models


def _gguf_files(folder: Path, prefix: str, source: Source) -> Iterator[LocalModel]:
    for path in sorted(folder.rglob("*.gguf")):
        name = path.relative_to(folder).with_name(_SHARD.sub("", path.stem)).as_posix()
        yield from _readable(_gguf_file(path, prefix + name, source))


def _gguf_file(path: Path, name: str, source: Source) -> Iterator[LocalModel]:
    shard = _SHARD.search(path.stem)
    if not path.is_file() or path.name.startswith(".") or "mmproj" in path.name.lower():
        return
    if shard is None:
        yield LocalModel(name, path, source, path.stat().st_size)
    elif shard[1] == "00001":
        parts = path.parent.glob(f"{path.stem[: shard.start()]}-*-of-{shard[2]}.gguf")
        yield LocalModel(name, path, source, sum(part.stat().st_size for part in parts))


def _huggingface_models(hub: Path) -> Iterator[LocalModel]:
    for repository in sorted(hub.glob("models--*")):
        prefix = "huggingface/" + repository.name.removeprefix("models--").replace("--", "/") + "/"
        for snapshot in _snapshots(repository):
            yield from _readable(_gguf_files(snapshot, prefix, "huggingface"))


def _snapshots(repository: Path) -> list[Path]:
    """The one that `main` means first: of equal names the first counts."""
    revision = ""
    with suppress(OSError):
        revision = (repository / "refs/main").read_text(errors="replace").strip()
    return sorted(repository.glob("snapshots/*"), key=lambda snapshot: (snapshot.name != revision, snapshot.name))


def _ollama_models(folder: Path) -> Iterator[LocalModel]:
    manifests = folder / "manifests"
    for manifest in sorted(manifests.rglob("*")):
        *place, tag = manifest.relative_to(manifests).parts
        name = "/".join(place).removeprefix("registry.ollama.ai/").removeprefix("library/")
        tagged = f"ollama/{name}" + ("" if tag == "latest" else f":{tag}")
        yield from _readable(_ollama_model(manifest, tagged, folder / "blobs"))


def _ollama_model(manifest: Path, name: str, blobs: Path) -> Iterator[LocalModel]:
    digest = _ollama_digest(manifest)
    blob = blobs / digest.replace(":", "-")
    if digest and blob.is_file():
        yield LocalModel(name, blob, "ollama", blob.stat().st_size)


def _ollama_digest(manifest: Path) -> str:
    """The blob with the model itself, such as `sha256:…`; empty where there is none."""
    try:
        layers = json.loads(manifest.read_bytes())["layers"]
        return next((layer["digest"] for layer in layers if layer["mediaType"] == _OLLAMA_LAYER), "")
    except (ValueError, LookupError, TypeError):
        # Not a manifest of a kind we know.
        return ""


def _not_found(name: str, models: list[LocalModel], folders: ModelFolders) -> ModelMissing:
    if name.lower() in KNOWN_MODELS:
        return ModelMissing(
            f"The model {name} is not on this machine yet", hint=f"`agentrouted models pull {name.lower()}`"
        )
    places = [folders.agentrouted, folders.ollama, *folders.lm_studio, folders.huggingface]
    names = {model.name.rpartition("/")[2].lower(): model.name for model in models}
    near = [names[match] for match in get_close_matches(name.rpartition("/")[2].lower(), names, cutoff=0.5)]
    return ModelMissing(
        f"No model on this machine is called {name}: looked in {', '.join(map(str, places))}",
        hint=f"did you mean {' or '.join(near)}?" if near else _MEND,
    )
