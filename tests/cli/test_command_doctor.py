"""What `agentrouted doctor` says of servers, models and profiles."""

import json
from pathlib import Path
from typing import Any

from harness.command import agentrouted

from agentrouted.testing.upstream import Reply, Upstream

LLAMACPP = {"data": [{"id": "a", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}]}
OLLAMA = {"data": [{"id": "a:latest", "owned_by": "library"}]}
NOWHERE = {f"{kind}_BASE_URL": "http://127.0.0.1:9" for kind in ("OLLAMA", "VLLM", "LMSTUDIO", "LLAMACPP", "TGI")}


async def checks(home: Path, **environ: str) -> dict[str, Any]:
    outcome = await agentrouted(home, "doctor", "--json", **{**NOWHERE, **environ})
    assert outcome.code == 0, outcome.out
    return {check["name"]: check for check in json.loads(outcome.out)}


def configure(home: Path, text: str) -> None:
    (home / ".agentroute").mkdir()
    (home / ".agentroute/config.yaml").write_text(text)


async def test_what_does_not_run_has_its_command(tmp_path: Path) -> None:
    found = await checks(tmp_path)
    assert found["ollama"]["mend"].startswith("start it with `ollama serve`")
    assert {found[kind]["state"] for kind in ("ollama", "vllm", "lm_studio", "llamacpp", "tgi")} == {"note"}


async def test_what_runs_tells_its_models_and_what_is_loaded(tmp_path: Path) -> None:
    beside = {"/v1/models": Reply.json(LLAMACPP), "/health": Reply.json({})}
    async with Upstream(models=None, beside=beside) as upstream:
        found = await checks(tmp_path, LLAMACPP_BASE_URL=upstream.url)
    assert found["llamacpp"]["finding"].endswith("1 model, loaded: a (4096 tokens)")


async def test_a_server_on_a_socket_is_found_where_its_variable_says(tmp_path: Path) -> None:
    beside = {"/v1/models": Reply.json(LLAMACPP), "/health": Reply.json({})}
    async with Upstream(models=None, beside=beside, socket_path=tmp_path / "llama.sock"):
        found = await checks(tmp_path, LLAMACPP_BASE_URL=f"unix://{tmp_path}/llama.sock")
    assert found["llamacpp"]["finding"].startswith(f"answers at unix://{tmp_path}/llama.sock/v1: 1 model")


async def test_another_kind_on_a_port_is_noticed(tmp_path: Path) -> None:
    beside = {"/v1/models": Reply.json(LLAMACPP), "/health": Reply.json({})}
    async with Upstream(models=None, beside=beside) as upstream:
        found = await checks(tmp_path, VLLM_BASE_URL=upstream.url)
    assert found["vllm"]["finding"] == f"llamacpp answers at {upstream.url}"
    assert f"export LLAMACPP_BASE_URL={upstream.url}" in found["vllm"]["mend"]


async def test_a_configured_model_that_is_missing_has_the_command_that_fetches_it(tmp_path: Path) -> None:
    configure(tmp_path, "models: {mine: ollama/b, fine: ollama/a}")
    beside = {"/v1/models": Reply.json(OLLAMA), "/api/ps": Reply.json({"models": []})}
    async with Upstream(models=None, beside=beside) as upstream:
        found = await checks(tmp_path, OLLAMA_BASE_URL=upstream.url)
    assert found["mine"]["mend"] == "run `ollama pull b`"
    assert "fine" not in found


async def test_what_was_probed_is_shown_with_its_evidence(tmp_path: Path) -> None:
    script = [Reply.text("One", " two"), Reply.tool_call("report", {"number": 7}), Reply.text("Hello!")]
    async with Upstream(script) as upstream:
        await agentrouted(tmp_path, "models", "probe", f"{upstream.url}/m")
        found = await checks(tmp_path)
    assert "json_schema no (said 'Hello!'; probe of " in found[f"profile of {upstream.url}/m"]["finding"]
