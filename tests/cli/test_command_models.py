"""`agentrouted resolve`, `models` and `doctor`."""

import json
from pathlib import Path

from harness.command import agentrouted


async def test_resolve_says_where_a_model_string_leads(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "resolve", "ollama/llama3")
    rows = dict(line.split(maxsplit=1) for line in outcome.out.splitlines() if line)
    assert rows["address"] == "http://localhost:11434/v1"
    assert rows["provider"] == "ollama (on this machine)"


async def test_resolve_in_json_is_the_route(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "resolve", "m", "--base-url", "http://127.0.0.1:9/v1", "--json")
    assert json.loads(outcome.out)["baseUrl"] == "http://127.0.0.1:9/v1"


async def test_resolve_shows_the_source_of_a_key_but_not_the_key(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "resolve", "openai/gpt-4o", OPENROUTER_API_KEY="sk-or-0123456789abcdef")
    assert "env OPENROUTER_API_KEY" in outcome.out and "$2.5 in, $10 out" in outcome.out
    assert "0123456789" not in outcome.out


async def test_a_model_string_that_leads_nowhere_is_an_error_with_its_mend(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "resolve", "ollama/")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: ")
    assert "hint: " in outcome.err


async def test_models_lists_gguf_files_of_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / ".agentroute/models"
    folder.mkdir(parents=True)
    (folder / "tiny.gguf").write_bytes(b"GGUF")
    outcome = await agentrouted(tmp_path, "models")
    assert any(line.split()[:2] == ["local/tiny", "ready"] for line in outcome.out.splitlines())


async def test_models_can_be_listed_for_one_provider_in_json(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "models", "--provider", "local", "--refresh", "--json")
    assert {entry["provider"] for entry in json.loads(outcome.out)["models"]} <= {"local"}


async def test_pulling_an_unknown_model_says_what_there_is(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "models", "pull", "gpt-99")
    assert outcome.code == 1
    assert "smollm2-135m" in outcome.err


async def test_doctor_is_content_with_a_fresh_home(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "doctor")
    assert outcome.code == 0
    assert "export OPENROUTER_API_KEY=" in outcome.out
    assert "agentrouted models pull smollm2-135m" in outcome.out


async def test_doctor_finds_what_is_configured_and_broken(tmp_path: Path) -> None:
    config = tmp_path / ".agentroute/config.yaml"
    config.parent.mkdir()
    config.write_text("agents: 7\n")
    outcome = await agentrouted(tmp_path, "doctor", "--json")
    broken = [check for check in json.loads(outcome.out) if check["state"] == "broken"]
    assert outcome.code == 1
    assert [(check["name"], check["mend"]) for check in broken] == [("config", "agentrouted config check")]
