"""What `model/list` says of names, servers and files."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.models import ModelList
from agentrouted.core.services import open_services
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.routing import ModelListParams, ModelListResult

# Nothing listens there.
NOWHERE = "http://127.0.0.1:9/v1"


@asynccontextmanager
async def listing(home: Path, config: str, environ: Mapping[str, str] = {}) -> AsyncIterator[ModelList]:
    folder = home / ".agentroute"
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(config)
    nowhere = {f"{kind}_BASE_URL": NOWHERE for kind in ("OLLAMA", "VLLM", "LMSTUDIO", "LLAMACPP", "TGI")}
    environment = Environment({"XDG_RUNTIME_DIR": str(home), **nowhere, **environ}, home, home)
    async with open_services(environment) as services:
        yield ModelList(services)


async def listed(
    home: Path,
    config: str,
    environ: Mapping[str, str] = {},
    provider: str | None = None,
    folders: Sequence[str] = (),
) -> ModelListResult:
    async with listing(home, config, environ) as models:
        return await models.answer(ModelListParams(provider=provider), folders=folders)


def state(result: ModelListResult, model: str) -> str:
    (entry,) = [entry for entry in result.models if entry.model == model]
    return entry.state


@pytest.mark.parametrize("name", ["llama3", "llama3:latest"])
@pytest.mark.parametrize("served", ["llama3", "llama3:latest"])
async def test_a_name_without_a_tag_is_the_latest(tmp_path: Path, name: str, served: str) -> None:
    async with Upstream(models=[served]) as server:
        result = await listed(tmp_path, f"models: {{mine: 'ollama/{name}'}}", {"OLLAMA_BASE_URL": server.url})
    assert state(result, "mine") == "ready"


async def test_a_server_that_wants_a_key_is_asked_with_one_that_a_command_gives(tmp_path: Path) -> None:
    config = "providers: {{vllm: {{api_base: '{url}', api_key: {{command: [{command}]}}}}}}\nmodels: {{mine: vllm/m}}"

    def reply(request: Received) -> Reply:
        known = request.headers.get("authorization") == "Bearer k-command"
        return Reply.json({"object": "list", "data": [{"id": "m"}]}) if known else Reply.status(401)

    async with Upstream([reply], models=None) as server:
        for command, expected in (("echo, k-command", "ready"), ("'false'", "unknown")):
            text = config.format(url=server.url, command=command)
            assert state(await listed(tmp_path, text, {"VLLM_BASE_URL": ""}), "mine") == expected


async def test_another_tag_is_another_model(tmp_path: Path) -> None:
    async with Upstream(models=["llama3:8b"]) as server:
        result = await listed(tmp_path, "models: {mine: ollama/llama3}", {"OLLAMA_BASE_URL": server.url})
    assert state(result, "mine") == "notPulled"


async def test_a_name_for_a_file_is_ready_if_the_file_is_there(tmp_path: Path) -> None:
    (tmp_path / ".agentroute/models").mkdir(parents=True)
    (tmp_path / ".agentroute/models/here.gguf").touch()
    result = await listed(tmp_path, "models: {there: local/here, gone: local/nothing-here}")
    assert (state(result, "there"), state(result, "gone")) == ("ready", "notPulled")


async def test_the_servers_behind_names_are_asked_also_if_only_names_are_wanted(tmp_path: Path) -> None:
    config = "models: {up: ollama/a, missing: ollama/b, down: vllm/c}"
    async with Upstream(models=["a"]) as server:
        result = await listed(tmp_path, config, {"OLLAMA_BASE_URL": server.url}, provider="config")
    assert [(entry.model, entry.state) for entry in result.models] == [
        ("up", "ready"),
        ("missing", "notPulled"),
        ("down", "serverDown"),
    ]
    assert [warning.partition(":")[0] for warning in result.warnings] == ["vllm does not answer"]


async def test_a_model_that_is_written_and_served_stands_once_with_what_is_written(tmp_path: Path) -> None:
    config = "providers: {ollama: {models: [{id: a, context_window: 99}]}}"
    async with Upstream(models=["a", "b"]) as server:
        result = await listed(tmp_path, config, {"OLLAMA_BASE_URL": server.url}, provider="ollama")
    assert [(entry.model, entry.context_window) for entry in result.models] == [("ollama/a", 99), ("ollama/b", None)]


async def test_a_new_address_is_asked_at_once(tmp_path: Path) -> None:
    async with Upstream(models=["old"]) as old, Upstream(models=["new"]) as new:
        config = "providers: {{ollama: {{api_base: '{}'}}}}"
        async with listing(tmp_path, config.format(old.url), {"OLLAMA_BASE_URL": ""}) as models:
            before = await models.answer(ModelListParams(provider="ollama"))
            (tmp_path / ".agentroute/config.yaml").write_text(config.format(new.url))
            await models._services.config.reload()
            after = await models.answer(ModelListParams(provider="ollama"))
    assert [entry.model for entry in before.models + after.models] == ["ollama/old", "ollama/new"]


async def test_a_bad_address_is_told_as_such(tmp_path: Path) -> None:
    environ = {"OLLAMA_BASE_URL": "", "OLLAMA_HOST": "ftp://here"}
    result = await listed(tmp_path, "", environ, provider="ollama")
    (warning,) = result.warnings
    assert "OLLAMA_HOST" in warning and "does not answer" not in warning


async def test_a_server_that_refuses_the_key_is_not_told_as_silent(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        result = await listed(tmp_path, "models: {mine: vllm/m}", {"VLLM_BASE_URL": url}, provider="config")
    (warning,) = result.warnings
    assert warning.startswith("vllm: ") and state(result, "mine") == "unknown"


async def test_in_a_folder_with_a_boundary_the_names_are_listed_as_its_runs_go(tmp_path: Path) -> None:
    async with Upstream() as server:
        config = f"models: {{x: [gpt-4o, '{server.url}/m']}}\nworkspaces: {{/secret: {{boundary: local}}}}"
        assert state(await listed(tmp_path, config), "x") == "noKey"
        assert state(await listed(tmp_path, config, folders=["/secret/project"]), "x") == "ready"


async def test_the_state_of_a_name_is_that_of_whom_its_runs_ask_first(tmp_path: Path) -> None:
    async with Upstream() as server:
        config = f"models: {{x: {{endpoints: [gpt-4o, '{server.url}/m'], boundary: local}}}}"
        assert state(await listed(tmp_path, config), "x") == "ready"
