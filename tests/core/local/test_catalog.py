"""Which local models are found, and what a name means."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agentrouted.core.errors import ModelMissing
from agentrouted.core.local.catalog import brought_template, find_models, locate, model_folders
from agentrouted.core.local.known import KNOWN_MODELS


def write(path: Path, content: str = "GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def write_ollama(models: Path, manifest: str, blob: str) -> Path:
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:00"},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{blob}"},
    ]
    write(models / "manifests" / manifest, json.dumps({"layers": layers}))
    return write(models / "blobs" / f"sha256-{blob}")


def names(home: Path, **environ: str) -> list[str]:
    return [model.name for model in find_models(model_folders(environ, home))]


def test_a_machine_without_models_has_none(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_models_of_all_programs_are_found_under_names_that_say_where_they_lie(tmp_path: Path) -> None:
    write(tmp_path / ".agentroute/models/smollm2-135m.gguf")
    write_ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/qwen2.5-coder/7b", "aa")
    write(tmp_path / ".lmstudio/models/bartowski/Phi-GGUF/Phi-Q4.gguf")
    write(tmp_path / ".cache/lm-studio/models/TheBloke/Old-GGUF/Old-Q4.gguf")
    write(tmp_path / ".cache/huggingface/hub/models--org--repo/snapshots/abc/deep/Tiny-Q8.gguf")

    assert names(tmp_path) == [
        "huggingface/org/repo/deep/Tiny-Q8",
        "lm_studio/TheBloke/Old-GGUF/Old-Q4",
        "lm_studio/bartowski/Phi-GGUF/Phi-Q4",
        "ollama/qwen2.5-coder:7b",
        "smollm2-135m",
    ]


@pytest.mark.parametrize(
    ("manifest", "name"),
    [
        ("registry.ollama.ai/library/llama3/latest", "ollama/llama3"),
        ("registry.ollama.ai/someone/model/v2", "ollama/someone/model:v2"),
        ("hf.co/org/repo/Q4_K_M", "ollama/hf.co/org/repo:Q4_K_M"),
    ],
)
def test_an_ollama_model_has_the_name_that_ollama_uses(tmp_path: Path, manifest: str, name: str) -> None:
    blob = write_ollama(tmp_path / ".ollama/models", manifest, "aa")

    (model,) = find_models(model_folders({}, tmp_path))

    assert (model.name, model.path, model.source, model.size) == (name, blob, "ollama", 4)


def test_broken_ollama_manifests_and_missing_blobs_are_passed_over(tmp_path: Path) -> None:
    library = tmp_path / ".ollama/models/manifests/registry.ollama.ai/library"
    write_ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/gone/latest", "aa").unlink()
    for number, content in enumerate(["", "[]", "{}", '{"layers": [1]}', '{"layers": []}', "\udcff"]):
        path = write(library / f"broken{number}/latest", "")
        path.write_bytes(content.encode(errors="surrogateescape"))

    assert names(tmp_path) == []


def test_the_variables_of_other_programs_move_their_folders(tmp_path: Path) -> None:
    write_ollama(tmp_path / "o", "registry.ollama.ai/library/llama3/latest", "aa")
    write(tmp_path / "hub/models--a--b/snapshots/1/one.gguf")
    write(tmp_path / "hf/hub/models--a--b/snapshots/1/two.gguf")
    write(tmp_path / "cache/huggingface/hub/models--a--b/snapshots/1/three.gguf")

    assert names(tmp_path, OLLAMA_MODELS=str(tmp_path / "o")) == ["ollama/llama3"]
    assert names(tmp_path, HF_HUB_CACHE=str(tmp_path / "hub")) == ["huggingface/a/b/one"]
    assert names(tmp_path, HF_HOME=str(tmp_path / "hf")) == ["huggingface/a/b/two"]
    assert names(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")) == ["huggingface/a/b/three"]


def test_a_split_model_is_one_model_and_a_projector_is_none(tmp_path: Path) -> None:
    folder = tmp_path / ".lmstudio/models/org/repo"
    first = write(folder / "Big-Q4-00001-of-00003.gguf")
    write(folder / "Big-Q4-00002-of-00003.gguf")
    write(folder / "Big-Q4-00003-of-00003.gguf")
    write(folder / "mmproj-F16.gguf")

    (model,) = find_models(model_folders({}, tmp_path))

    assert (model.name, model.path, model.size) == ("lm_studio/org/repo/Big-Q4", first, 12)


def test_of_several_snapshots_the_one_of_main_counts(tmp_path: Path) -> None:
    repository = tmp_path / ".cache/huggingface/hub/models--org--repo"
    write(repository / "snapshots/aaa/m.gguf")
    wanted = write(repository / "snapshots/bbb/m.gguf")
    write(repository / "refs/main", "bbb")

    assert [model.path for model in find_models(model_folders({}, tmp_path))] == [wanted]


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    studio, manifests = tmp_path / ".lmstudio/models/a/r", tmp_path / ".ollama/models/manifests/registry.ollama.ai"
    write(studio / "good.gguf")
    write(studio / "half-00001-of-00002.gguf")
    (studio / "half-00002-of-00002.gguf").symlink_to("gone")
    (studio / "circle.gguf").symlink_to("circle.gguf")
    write_ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/llama3/latest", "aa")
    (manifests / "library/llama3/dangling").symlink_to("gone")
    repository = tmp_path / ".cache/huggingface/hub/models--org--repo"
    write(repository / "snapshots/aaa/m.gguf")
    (repository / "refs/main").mkdir(parents=True)

    assert names(tmp_path) == ["huggingface/org/repo/m", "lm_studio/a/r/good", "ollama/llama3"]


@pytest.mark.parametrize("name", ["ollama/qwen2.5-coder:7b", "Ollama/Qwen2.5-Coder:7B", "qwen2.5-coder:7b"])
def test_a_name_is_found_in_any_case_and_without_its_first_parts(tmp_path: Path, name: str) -> None:
    blob = write_ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/qwen2.5-coder/7b", "aa")

    assert locate(name, model_folders({}, tmp_path)).path == blob


def test_a_path_is_absolute_or_from_home_or_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "some/model.gguf")
    monkeypatch.chdir(tmp_path)
    folders = model_folders({}, tmp_path)

    assert locate(str(file), folders).path == file
    assert locate("~/some/model.gguf", folders).path == file
    assert locate("some/model.gguf", folders).path.samefile(file)


def test_a_shortened_name_that_means_two_models_is_refused_with_both(tmp_path: Path) -> None:
    write(tmp_path / ".lmstudio/models/a/r/m.gguf")
    write(tmp_path / ".lmstudio/models/b/r/m.gguf")

    with pytest.raises(ModelMissing, match="lm_studio/a/r/m, lm_studio/b/r/m"):
        locate("m", model_folders({}, tmp_path))


def test_a_full_name_wins_over_one_that_only_ends_so(tmp_path: Path) -> None:
    ours = write(tmp_path / ".agentroute/models/m.gguf")
    write(tmp_path / ".lmstudio/models/a/r/m.gguf")

    assert locate("m", model_folders({}, tmp_path)).path == ours


def test_the_folders_of_others_are_not_read_for_a_model_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = write(tmp_path / ".agentroute/models/m.gguf")
    write(tmp_path / ".lmstudio/models/a/r/m.gguf")
    read: set[str] = set()
    scandir = os.scandir

    def noted(path: str) -> Any:
        read.add(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)

    assert locate("M", model_folders({}, tmp_path)).path == ours
    assert read == {str(ours.parent)}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("smollm2-135m", "`agentrouted models pull smollm2-135m`"),
        ("qwen2.5-codr:7b", "did you mean ollama/qwen2.5-coder:7b?"),
        ("zzz", "agentrouted models pull"),
        ("/no/such/file.gguf", "agentrouted models pull"),
    ],
)
def test_what_is_not_found_says_what_to_do(tmp_path: Path, name: str, hint: str) -> None:
    write_ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/qwen2.5-coder/7b", "aa")

    with pytest.raises(ModelMissing) as caught:
        locate(name, model_folders({}, tmp_path))

    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("where", "size", "has_one"), [("smollm2-135m", 0, True), ("other", 0, False), ("smollm2-135m", 1, False)]
)
def test_a_template_comes_with_the_model_that_we_know(tmp_path: Path, where: str, size: int, has_one: bool) -> None:
    file = write(tmp_path / f".agentroute/models/{where}.gguf")
    os.truncate(file, KNOWN_MODELS["smollm2-135m"].size + size)
    folders = model_folders({}, tmp_path)

    assert (brought_template(locate(where, folders)) is not None) is has_one
    assert brought_template(locate(str(file), folders)) is None
