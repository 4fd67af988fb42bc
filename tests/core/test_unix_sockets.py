"""Model servers that listen on a Unix socket."""

from pathlib import Path
from urllib.parse import quote

import pytest
from harness.in_process import runs

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import ProviderUnreachable
from agentrouted.core.host import SilentHost
from agentrouted.core.local.engine import Engines
from agentrouted.core.models import ModelList
from agentrouted.core.services import open_services
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.routing import ModelListParams
from agentrouted_protocol.runs import RunAgentParams

LLAMACPP = {
    "/v1/models": Reply.json({"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}]}),
    "/health": Reply.json({"status": "ok"}),
    "/props": Reply.json({"default_generation_settings": {"n_ctx": 4096}}),
}


async def test_a_server_on_a_socket_is_asked_and_listed(tmp_path: Path) -> None:
    socket = tmp_path / "llama.sock"
    config = f"providers: {{llamacpp: {{api_base: 'unix://{socket}'}}}}"
    server = Upstream([Reply.text("Hi")], models=None, beside=LLAMACPP, socket_path=socket)
    async with server as upstream, runs(tmp_path, config) as all_runs:
        result = await all_runs.start(RunAgentParams(model="llamacpp/m", prompt="Hi"), SilentHost()).result()
        listed = await ModelList(all_runs._services).answer(ModelListParams(provider="llamacpp"))
    assert result.route and (result.text, result.route.local) == ("Hi", True)
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert [(entry.model, entry.state, entry.context_window) for entry in listed.models] == [
        ("llamacpp/m", "ready", 4096)
    ]


WRITTEN = ["unix://{path}", "unix://{path}/v1", "http+unix://{quoted}", "http+unix://{quoted}/v1"]
VARIABLES = [
    ("OLLAMA_HOST", "ollama"),
    ("OLLAMA_BASE_URL", "ollama"),
    ("VLLM_BASE_URL", "vllm"),
    ("LMSTUDIO_BASE_URL", "lm_studio"),
    ("LLAMACPP_BASE_URL", "llamacpp"),
    ("TGI_BASE_URL", "tgi"),
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(("variable", "kind"), VARIABLES)
async def test_each_kind_may_be_on_a_socket(tmp_path: Path, variable: str, kind: str, written: str) -> None:
    path = tmp_path / "it.sock"
    address = written.format(path=path, quoted=quote(str(path), safe=""))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), variable: address}
    server = Upstream([Reply.text("Hi")], models=["m"], beside={"/health": Reply.json({})}, socket_path=path)
    async with server, open_services(Environment(environ, tmp_path, tmp_path)) as services:
        all_runs = Runs(services)
        params = RunAgentParams(model=f"{kind}/m", prompt="Hi", boundary="local")
        result = await all_runs.start(params, SilentHost()).result()
        listed = await ModelList(services).answer(ModelListParams(provider=kind))
        await all_runs.aclose()
    assert result.route and (result.text, result.route.base_url) == ("Hi", f"unix://{path}/v1")
    assert [(each.base_url, each.state) for each in listed.servers] == [(f"unix://{path}/v1", "ready")]
    assert [(entry.model, entry.state) for entry in listed.models] == [(f"{kind}/m", "ready")]


@pytest.mark.parametrize(("kind", "option"), [("llamacpp", "--host"), ("vllm", "--uds")])
async def test_the_command_that_starts_a_server_names_its_socket(tmp_path: Path, kind: str, option: str) -> None:
    async with runs(tmp_path, f"providers: {{{kind}: {{api_base: 'unix:///run/it.sock'}}}}") as all_runs:
        (server,) = (await ModelList(all_runs._services).answer(ModelListParams(provider=kind))).servers
    assert server.state == "serverDown" and f"{option} /run/it.sock`" in (server.mend or "")


async def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    socket = tmp_path / "gone.sock"
    async with runs(tmp_path, f"providers: {{llamacpp: {{api_base: 'unix://{socket}', retries: 0}}}}") as all_runs:
        with pytest.raises(ProviderUnreachable, match=str(socket)):
            await all_runs.start(RunAgentParams(model="llamacpp/m", prompt="Hi"), SilentHost()).result()


@pytest.mark.model
async def test_llamacpps_own_server_is_asked_on_its_socket(tmp_path: Path, demo_model: Path) -> None:
    engines = Engines(tmp_path / "engines")
    engine = await engines.open(demo_model)
    key = engine.api_key.get_secret_value()
    config = f"providers: {{llamacpp: {{api_base: 'unix://{engine.socket_path}', api_key: '{key}'}}}}"
    async with runs(tmp_path, config) as all_runs:
        params = RunAgentParams(model="llamacpp/any", prompt="Say hello.", max_tokens=8)
        assert (await all_runs.start(params, SilentHost()).result()).text
        (server,) = (await ModelList(all_runs._services).answer(ModelListParams(provider="llamacpp"))).servers
    await engines.aclose()
    assert (server.state, server.software, [each.context_window for each in server.loaded]) == (
        "ready",
        "llamacpp",
        [8192],
    )
