"""The `mcp_servers` section, and who names them."""

import pytest

from agentrouted.core.config.load import load_text
from agentrouted.core.config.model import Config


def config_of(text: str) -> Config:
    loaded = load_text(text, None, {"TOKEN": "t-secret", "ASK": "True"})
    assert loaded.problems == ()
    assert loaded.config
    return loaded.config


def test_a_server_that_is_started_is_read_whole() -> None:
    server = config_of("""
        mcp_servers:
          files:
            command: npx
            args: [-y, server-files, '']
            env: {TOKEN: "${TOKEN}"}
            cwd: ~/project
            timeout: 5
            tools: [read]
            needs_approval: ${ASK}
    """).mcp_servers["files"]
    assert (server.command, server.args, server.cwd) == ("npx", ("-y", "server-files", ""), "~/project")
    assert server.env["TOKEN"].get_secret_value() == "t-secret"
    assert (server.timeout, server.tools, server.needs_approval) == (5, ("read",), True)


def test_a_server_elsewhere_is_read_whole() -> None:
    server = config_of("""
        mcp_servers:
          web: {url: "http://localhost:8000/mcp", headers: {Authorization: "Bearer ${TOKEN}"}, needs_approval: [send]}
    """).mcp_servers["web"]
    assert server.url == "http://localhost:8000/mcp"
    assert server.headers["Authorization"].get_secret_value() == "Bearer t-secret"
    assert (server.timeout, server.tools) == (60, None)
    assert (server.asks_for("send"), server.asks_for("read")) == (True, False)


def test_what_a_server_is_given_in_secret_is_not_in_the_text_of_a_configuration() -> None:
    config = config_of("""
        mcp_servers:
          a: {command: x, env: {KEY: "${TOKEN}"}}
          b: {url: "http://h/mcp", headers: {Authorization: "${TOKEN}"}}
    """)
    assert "t-secret" not in repr(config) + config.model_dump_json()


def test_an_agent_has_the_servers_it_names() -> None:
    config = config_of("agents: {a: {mcp_servers: [x]}}\nmcp_servers: {x: {command: c}}")
    assert config.agents["a"].mcp_servers == ("x",)


@pytest.mark.parametrize(
    ("text", "path", "place", "hint"),
    [
        ("mcp_servers: {a: {}}", "mcp_servers.a", "0:14-15", None),
        ("mcp_servers: {a: {command: c, url: 'http://h'}}", "mcp_servers.a.url", "0:35-45", "one of the two"),
        ("mcp_servers: {a: {url: 'http://h', args: [x]}}", "mcp_servers.a", "0:14-15", "leave out `args`"),
        ("mcp_servers: {a: {command: c, headers: {x: y}}}", "mcp_servers.a", "0:14-15", "leave out `headers`"),
        ("mcp_servers: {a: {comand: c}}", "mcp_servers.a.comand", "0:18-24", "did you mean `command`?"),
        ("mcp_servers: {a: {command: c, env: {'A B': x}}}", "mcp_servers.a.env.A B", "0:36-41", None),
        ("mcp_servers: {a: {command: c, env: {A: 1}}}", "mcp_servers.a.env.A", "0:39-40", "quotes"),
        ("mcp_servers: {a: {command: c, cwd: here}}", "mcp_servers.a.cwd", "0:35-39", "~/project"),
        ("mcp_servers: {a: {command: c, timeout: 0}}", "mcp_servers.a.timeout", "0:39-40", None),
        ("mcp_servers: {a: {command: c, needs_approval: some}}", "mcp_servers.a.needs_approval", "0:46-50", None),
        ("mcp_servers: {a b: {command: c}}", "mcp_servers.a b", "0:14-17", "letters"),
        ("mcp_servers: {a__b: {command: c}}", "mcp_servers.a__b", "0:14-18", "letters"),
        (
            "agents: {r: {mcp_servers: [fils]}}\nmcp_servers: {files: {command: c}}",
            "agents.r.mcp_servers.0",
            "0:27-31",
            "did you mean `files`?",
        ),
        ("agents: {r: {mcp_servers: [x]}}", "agents.r.mcp_servers.0", "0:27-28", "known here: none"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_mend(text: str, path: str, place: str, hint: str | None) -> None:
    (problem,) = [each for each in load_text(text, None, {}).problems if each.path == path]
    assert problem.range
    start, end = problem.range.start, problem.range.end
    assert f"{start.line}:{start.character}-{end.character}" == place
    assert (hint in problem.hint) if hint and problem.hint else problem.hint is hint
