"""What `model/list` finds of each kind of server, and what mends it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.host import SilentHost
from agentrouted.core.models import ModelList
from agentrouted.core.services import open_services
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.routing import LocalServer, ModelEntry, ModelListParams, ModelListResult
from agentrouted_protocol.runs import RunAgentParams

# Nothing listens there.
NOWHERE = "http://127.0.0.1:9/v1"
VARIABLES = {
    "ollama": "OLLAMA_BASE_URL",
    "vllm": "VLLM_BASE_URL",
    "lm_studio": "LMSTUDIO_BASE_URL",
    "llamacpp": "LLAMACPP_BASE_URL",
    "tgi": "TGI_BASE_URL",
}

Site = Mapping[str, Reply]


def listed(*models: Mapping[str, Any]) -> Reply:
    return Reply.json({"object": "list", "data": list(models) or None})


def refusal(code: int, message: str) -> Reply:
    return Reply.status(code, {"error": {"code": code, "message": message, "type": "error"}})


LOADING = refusal(503, "Loading model")
OLLAMA: Site = {
    "/v1/models": listed({"id": "a:latest", "owned_by": "library"}, {"id": "b:7b", "owned_by": "library"}),
    "/api/ps": Reply.json({"models": [{"name": "a:latest", "context_length": 4096}]}),
}
LM_STUDIO: Site = {
    "/v1/models": listed({"id": "a", "owned_by": "organization_owner"}),
    "/api/v0/models": Reply.json(
        {"data": [{"id": "a", "state": "loaded", "loaded_context_length": 4096}, {"id": "b", "state": "not-loaded"}]}
    ),
}
VLLM: Site = {"/v1/models": listed({"id": "a", "owned_by": "vllm", "max_model_len": 4096}), "/health": Reply.json({})}
LLAMACPP: Site = {
    "/v1/models": listed({"id": "a", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}),
    "/health": Reply.json({"status": "ok"}),
}
TGI: Site = {
    "/v1/models": listed({"id": "a", "owned_by": "a"}),
    "/info": Reply.json({"model_id": "a", "max_total_tokens": 4096}),
    "/health": Reply.json(None),
}
SITES = {"ollama": OLLAMA, "lm_studio": LM_STUDIO, "vllm": VLLM, "llamacpp": LLAMACPP, "tgi": TGI}


def served(site: Site) -> Upstream:
    """A server with these answers by path, and none else."""

    def answer(request: Received) -> Reply:
        return site.get(request.path, Reply.status(404, "Not Found"))

    return Upstream([answer], models=None)


async def found(home: Path, addresses: Mapping[str, str], config: str = "") -> ModelListResult:
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(config)
    environ = {VARIABLES[kind]: addresses.get(kind, NOWHERE) for kind in VARIABLES}
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(home), **environ}, home, home)) as services:
        return await ModelList(services).answer(ModelListParams())


def server_of(result: ModelListResult, kind: str) -> LocalServer:
    return next(server for server in result.servers if server.kind == kind)


def entry_of(result: ModelListResult, model: str) -> ModelEntry:
    return next(entry for entry in result.models if entry.model == model)


@pytest.mark.parametrize("kind", SITES)
async def test_a_server_tells_what_it_has_loaded_and_how_large(tmp_path: Path, kind: str) -> None:
    async with served(SITES[kind]) as upstream:
        result = await found(tmp_path, {kind: upstream.url}, f"models: {{mine: {kind}/a}}")
    server, mine = server_of(result, kind), entry_of(result, "mine")
    assert (server.state, server.mend, [each.context_window for each in server.loaded]) == ("ready", None, [4096])
    assert (mine.state, mine.loaded, mine.context_window) == ("ready", True, 4096)


async def test_a_model_that_is_there_and_not_loaded_is_ready(tmp_path: Path) -> None:
    async with served(OLLAMA) as upstream:
        entry = entry_of(await found(tmp_path, {"ollama": upstream.url}), "ollama/b:7b")
    assert (entry.state, entry.loaded, entry.context_window) == ("ready", False, None)


DOWN = {
    "ollama": "`ollama serve`",
    "vllm": "`vllm serve x`",
    "lm_studio": "`lms server start`",
    "llamacpp": "`llama-server -m FILE.gguf`",
    "tgi": "`text-generation-launcher --model-id x`",
}


@pytest.mark.parametrize(("kind", "command"), DOWN.items())
async def test_a_server_that_does_not_run_has_the_command_that_starts_it(
    tmp_path: Path, kind: str, command: str
) -> None:
    result = await found(tmp_path, {}, f"models: {{mine: {kind}/x}}")
    mine = entry_of(result, "mine")
    assert (server_of(result, kind).state, mine.state) == ("serverDown", "serverDown")
    assert command in (mine.mend or "")


MISSING = [
    ("ollama", "x", "`ollama pull x`"),
    ("vllm", "x", "`vllm serve x`"),
    ("lm_studio", "x", "`lms get x`"),
    ("lm_studio", "b", "`lms load b`"),
]


@pytest.mark.parametrize(("kind", "model", "command"), MISSING)
async def test_a_model_that_a_server_lacks_has_the_command_that_fetches_it(
    tmp_path: Path, kind: str, model: str, command: str
) -> None:
    async with served(SITES[kind]) as upstream:
        mine = entry_of(await found(tmp_path, {kind: upstream.url}, f"models: {{mine: {kind}/{model}}}"), "mine")
    assert mine.state == "notPulled"
    assert command in (mine.mend or "")


@pytest.mark.parametrize("kind", ["llamacpp", "tgi"])
async def test_a_server_with_one_model_that_answers_to_any_name_lacks_none(tmp_path: Path, kind: str) -> None:
    async with served(SITES[kind]) as upstream:
        mine = entry_of(await found(tmp_path, {kind: upstream.url}, f"models: {{mine: {kind}/x}}"), "mine")
    assert mine.state == "ready"


@pytest.mark.parametrize(
    ("kind", "site"),
    [
        ("llamacpp", {"/v1/models": LOADING, "/health": LOADING}),
        # Some versions list the model while they load it.
        ("llamacpp", {**LLAMACPP, "/health": LOADING}),
        ("tgi", {**TGI, "/health": Reply.status(503, {"error": "unhealthy", "error_type": "healthcheck"})}),
    ],
)
async def test_a_server_that_still_loads_its_model_says_so(tmp_path: Path, kind: str, site: Site) -> None:
    async with served(site) as upstream:
        result = await found(tmp_path, {kind: upstream.url}, f"models: {{mine: {kind}/a}}")
    mine = entry_of(result, "mine")
    assert (server_of(result, kind).state, mine.state) == ("loading", "loading")
    assert "wait" in (mine.mend or "")


async def test_a_vllm_whose_engine_has_died_is_to_be_started_anew(tmp_path: Path) -> None:
    async with served({**VLLM, "/health": Reply.status(503, "")}) as upstream:
        server = server_of(await found(tmp_path, {"vllm": upstream.url}), "vllm")
    assert server.state == "unknown" and "`vllm serve a`" in (server.mend or "")


async def test_another_kind_on_a_port_is_told_with_the_variable_that_names_it(tmp_path: Path) -> None:
    async with served(LLAMACPP) as upstream:
        result = await found(tmp_path, {"vllm": upstream.url}, "models: {mine: vllm/a}")
    server, mine = server_of(result, "vllm"), entry_of(result, "mine")
    assert (server.state, server.software, mine.state) == ("wrongServer", "llamacpp", "wrongServer")
    assert f"export LLAMACPP_BASE_URL={upstream.url}" in (mine.mend or "")


@pytest.mark.parametrize("page", [Reply.raw(b"<html>my web site</html>"), Reply.status(404, "<html>no</html>")])
async def test_what_is_no_model_server_is_told_from_one_that_is_down(tmp_path: Path, page: Reply) -> None:
    async with served({"/v1/models": page}) as upstream:
        server = server_of(await found(tmp_path, {"tgi": upstream.url}), "tgi")
    assert server.state == "wrongServer" and "TGI_BASE_URL" in (server.mend or "")


async def test_one_address_for_all_kinds_is_no_wrong_one(tmp_path: Path) -> None:
    async with served(LLAMACPP) as upstream:
        result = await found(tmp_path, dict.fromkeys(VARIABLES, upstream.url))
    assert {server.state for server in result.servers} == {"ready"}


async def test_another_address_of_a_kind_is_not_judged_by_the_usual_one(tmp_path: Path) -> None:
    config = "models: {mine: ollama/x, theirs: 'http://127.0.0.1:9/v1/x'}"
    async with served(OLLAMA) as upstream:
        result = await found(tmp_path, {"ollama": upstream.url}, config)
    assert (entry_of(result, "mine").state, entry_of(result, "theirs").state) == ("notPulled", "ready")


NO_MEMORY = Reply.status(500, {"error": "model requires more system memory (7.5 GiB) than is available (5.2 GiB)"})
TOO_LONG = refusal(400, "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it")


@pytest.mark.parametrize(
    ("model", "site", "reply", "state", "command"),
    [
        ("ollama/a:latest", OLLAMA, NO_MEMORY, "outOfMemory", "ollama stop"),
        ("llamacpp/a", LLAMACPP, TOO_LONG, "contextTooSmall", "llama-server -m FILE.gguf -c 16384"),
    ],
)
async def test_what_a_run_failed_for_is_listed_until_one_succeeds(
    tmp_path: Path, model: str, site: Site, reply: Reply, state: str, command: str
) -> None:
    replies = [reply, Reply.text("Hi")]

    def answer(request: Received) -> Reply:
        if request.path.endswith("/chat/completions"):
            return replies.pop(0)
        return site.get(request.path, Reply.status(404, "Not Found"))

    async with Upstream([answer], models=None) as upstream:
        environ = {"XDG_RUNTIME_DIR": str(tmp_path), VARIABLES[model.partition("/")[0]]: upstream.url}
        async with open_services(Environment(environ, tmp_path, tmp_path)) as services:
            runs, models = Runs(services), ModelList(services)
            with pytest.raises(AgentroutedError) as caught:
                await runs.start(RunAgentParams(model=model, prompt="Hi"), SilentHost()).result()
            failed = entry_of(await models.answer(ModelListParams()), model)
            await runs.start(RunAgentParams(model=model.removesuffix(":latest"), prompt="Hi"), SilentHost()).result()
            again = entry_of(await models.answer(ModelListParams()), model)
            await runs.aclose()
    assert caught.value.details == {"state": state}
    assert (failed.state, again.state) == (state, "ready")
    assert command in (failed.mend or "")
