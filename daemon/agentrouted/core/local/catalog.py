"""Which GGUF models are here, and which one a name means."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from agentrouted.core.errors import ModelMissing
from agentrouted.core.local.known import KNOWN_MODELS

Source = Literal["agentrouted", "ollama", "lm_studio", "huggingface"]

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
        agentrouted=home / ".agentroute/models",
        ollama=Path(ollama),
        lm_studio=(home / ".lmstudio/models", home / ".cache/lm-studio/models"),
        huggingface=Path(hub),
    )


def find_models(folders: ModelFolders) -> list[LocalModel]:
    """All models of all sources, sorted by name. Reads the disk.

    A name says where a model lies, so it never depends on what else is there:

    - `smollm2-135m`: `smollm2-135m.gguf` among our own
    - `ollama/qwen2.5-coder:7b`, `ollama/llama3` (tag `latest`), `ollama/someone/model:tag`, `ollama/hf.co/org/repo:tag`
    - `lm_studio/publisher/repo/file` and `huggingface/org/repo/file`, without `.gguf` and shard number

    Projectors (`mmproj`) and the later shards of a split model are not models.
    """
    models: dict[str, LocalModel] = {}
    for model in _all_models(folders):
        models.setdefault(model.name, model)
    return sorted(models.values(), key=lambda model: model.name)


def locate(name: str, folders: ModelFolders) -> Path:
    """The file that `name` (the rest of `local/<name>`) means. Reads the disk.

    A path: absolute, from `~/`, or relative with `.gguf` at its end. Else a name of `find_models` in any case, which
    may lack its first parts as long as one model only ends so: `qwen2.5-coder:7b`.
    """
    path = folders.home / name[2:] if name.startswith("~/") else Path(name)
    if path.is_absolute() or path.suffix.lower() == ".gguf":
        if path.is_file():
            return path
        raise ModelMissing(f"There is no model file at {path.absolute()}", hint=_MEND)
    models = find_models(folders)
    wanted = name.lower()
    for model in models:
        if model.name.lower() == wanted:
            return model.path
    matches = [model for model in models if model.name.lower().endswith("/" + wanted)]
    if len(matches) == 1:
        return matches[0].path
    if matches:
        names = ", ".join(model.name for model in matches)
        raise ModelMissing(f"Several models on this machine end in {name}: {names}", hint="say the name in full")
    raise _not_found(name, models, folders)


def _all_models(folders: ModelFolders) -> Iterator[LocalModel]:
    yield from _gguf_files(folders.agentrouted, "", "agentrouted")
    yield from _ollama_models(folders.ollama)
    for folder in folders.lm_studio:
        yield from _gguf_files(folder, "lm_studio/", "lm_studio")
    for repository in sorted(folders.huggingface.glob("models--*")):
        prefix = "huggingface/" + repository.name.removeprefix("models--").replace("--", "/") + "/"
        for snapshot in _snapshots(repository):
            yield from _gguf_files(snapshot, prefix, "huggingface")


def _gguf_files(folder: Path, prefix: str, source: Source) -> Iterator[LocalModel]:
    for path in sorted(folder.rglob("*.gguf")):
        shard = _SHARD.search(path.stem)
        if not path.is_file() or path.name.startswith(".") or "mmproj" in path.name.lower():
            continue
        if shard is None:
            parts = [path]
        elif shard[1] == "00001":
            parts = list(path.parent.glob(f"{path.stem[: shard.start()]}-*-of-{shard[2]}.gguf"))
        else:
            continue
        name = path.relative_to(folder).with_name(_SHARD.sub("", path.stem)).as_posix()
        yield LocalModel(prefix + name, path, source, sum(part.stat().st_size for part in parts))


def _snapshots(repository: Path) -> list[Path]:
    """The one that `main` means first: of equal names the first counts."""
    main = repository / "refs/main"
    revision = main.read_text().strip() if main.is_file() else ""
    return sorted(repository.glob("snapshots/*"), key=lambda snapshot: (snapshot.name != revision, snapshot.name))


def _ollama_models(folder: Path) -> Iterator[LocalModel]:
    manifests = folder / "manifests"
    for manifest in sorted(path for path in manifests.rglob("*") if path.is_file()):
        digest = _ollama_digest(manifest)
        blob = folder / "blobs" / digest.replace(":", "-")
        if digest and blob.is_file():
            *place, tag = manifest.relative_to(manifests).parts
            name = "/".join(place).removeprefix("registry.ollama.ai/").removeprefix("library/")
            yield LocalModel(
                f"ollama/{name}" + ("" if tag == "latest" else f":{tag}"), blob, "ollama", blob.stat().st_size
            )


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
