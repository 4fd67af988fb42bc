"""From the file to a configuration, or to all its problems at their places."""

from pathlib import Path

import pytest

from agentrouted.core.config.known import NOT_SERVED_YET
from agentrouted.core.config.load import load, load_text
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem

FILE = Path("config.yaml")


def problems_of(text: str) -> list[Problem]:
    loaded = load_text(text, FILE, {})
    assert loaded.config is None
    assert {problem.file for problem in loaded.problems} == {"config.yaml"}
    return list(loaded.problems)


@pytest.mark.parametrize(
    ("text", "path", "place", "hint"),
    [
        ("providres: {}", "providres", "0:0-9", "did you mean `providers`?"),
        ("providers:\n  groq:\n    api_bse: x", "providers.groq.api_bse", "2:4-11", "did you mean `api_base`?"),
        ("providers:\n  g:\n    models: [{id: a, prise: 1}]", "providers.g.models.0.prise", "2:21-26", "`price`"),
        ("providers: {g: {timeouts: {frist_byte: 1}}}", "providers.g.timeouts.frist_byte", "0:27-37", "`first_byte`"),
        ("models: {a: {endpoint: [b], endpoints: [c]}}", "models.a.endpoint", "0:13-21", "`endpoints`"),
        ("models: {a: {endpoints: [{modle: b, model: c}]}}", "models.a.endpoints.0.modle", "0:26-31", "`model`"),
        ("agents: {a: {sampling: {topP: 1}}}", "agents.a.sampling.topP", "0:24-28", "`top_p`"),
        ("daemon: {embedded: {thread: 1}}", "daemon.embedded.thread", "0:20-26", "`threads`"),
        ("daemon: {zzz: 1}", "daemon.zzz", "0:9-12", "known here: idle_timeout, limits, log_level, embedded"),
        ("guardrails: {}", "guardrails", "0:0-10", None),
        ("agents: {a: {budgets: {}}}", "agents.a.budgets", "0:13-20", "at the top of the file"),
        ("budgets: {a: {calls: 10000000000000000, per: day}}", "budgets.a.calls", "0:21-38", None),
        ("budgets: {a: {tokens: 1.0e+30, per: day}}", "budgets.a.tokens", "0:22-29", None),
        ("agents: {a: {agents: [bb]}, b: {}}", "agents.a.agents.0", "0:22-24", "did you mean `b`?"),
        ("agents: {a: {boundary: paid}}", "agents.a.boundary", "0:23-27", "this version"),
        ("[]", "", "0:0-1", "`NAME: …`"),
        ("x", "", "0:0-1", "`NAME: …`"),
        ("providers: [a]", "providers", "0:0-9", "`NAME: …`"),
        ("providers:\n  a/b: {}", "providers.a/b", "1:2-5", "`<name>/<model>`"),
        ("providers: {' a': {}}", "providers. a", "0:12-16", "`<name>/<model>`"),
        ("providers: {Groq: , groq: }", "providers", "0:0-9", None),
        ("providers: {g: {api_base: api.groq.com}}", "providers.g.api_base", "0:26-38", "https://"),
        ("providers: {g: {api_base: 'ftp://h/v1'}}", "providers.g.api_base", "0:26-38", "https://"),
        ("providers: {g: {api_base: 'http://h:x/v1'}}", "providers.g.api_base", "0:26-41", "https://"),
        ("providers: {g: {api_base: 'http://u:p@h/v1'}}", "providers.g.api_base", "0:26-43", "`api_key`"),
        ("providers: {g: {api_base: 'http://h/v1?a=b'}}", "providers.g.api_base", "0:26-43", None),
        ("providers: {g: {api_key: 123}}", "providers.g.api_key", "0:25-28", "quotes"),
        ("providers: {g: {api_key: [a]}}", "providers.g.api_key", "0:16-23", "`accounts`"),
        ("providers: {g: {api_key: {comand: [op]}}}", "providers.g.api_key.comand", "0:26-32", "`command`"),
        ("providers: {g: {api_key: {command: op read}}}", "providers.g.api_key.command", "0:35-42", "such as"),
        ("providers: {g: {api_key: {command: [5]}}}", "providers.g.api_key.command.0", "0:36-37", "quotes"),
        ("providers: {g: {api_key: {command: ['']}}}", "providers.g.api_key.command", "0:26-33", "such as"),
        ("providers: {g: {api_key: {keyring: groq}}}", "providers.g.api_key.keyring", "0:35-39", "agentrouted/groq"),
        ("providers: {g: {api_key: {keyring: a/b, command: [op]}}}", "providers.g.api_key", "0:16-23", None),
        ("providers: {g: {api_key: {refresh: 5}}}", "providers.g.api_key", "0:16-23", None),
        ("providers: {g: {accounts: {a: {command: [op], timeout: 0}}}}", "providers.g.accounts.a.timeout", "0:55-56",
         None),
        ("providers: {g: {accounts: [a]}}", "providers.g.accounts", "0:16-24", "`NAME: …`"),
        ("providers: {g: {accounts: {a: [b]}}}", "providers.g.accounts.a", "0:27-28", "`accounts`"),
        ("providers: {g: {accounts: {' a': b}}}", "providers.g.accounts. a", "0:27-31", "<name>: <key>"),
        ("providers: {g: {api_key: a, accounts: {b: c}}}", "providers.g.accounts", "0:28-36", "one of the accounts"),
        ("providers: {g: {api_protocol: telegram}}", "providers.g.api_protocol", "0:30-38", "this version"),
        ("providers:\n  g:\n    api_protocol:\n    - 'claude-*': telegram", "providers.g.api_protocol.0.claude-*",
         "3:18-26", "this version"),
        ("providers: {g: {api_protocol: [{a: chat, b: chat}]}}", "providers.g.api_protocol.0", "0:31-32", None),
        ("providers: {g: {models: [{context_window: 1}]}}", "providers.g.models.0.id", "0:25-26", None),
        ("providers: {g: {models: [{id: a}, {id: a}]}}", "providers.g.models", "0:16-22", None),
        ("providers: {g: {models: [{id: a, context_window: 0}]}}", "providers.g.models.0.context_window", "0:49-50",
         None),
        ("providers: {g: {models: [{id: a, price: {input: -1, output: 1}}]}}", "providers.g.models.0.price.input",
         "0:48-50", None),
        ("providers: {g: {models: [{id: a, price: {input: .nan, output: 1}}]}}", "providers.g.models.0.price.input",
         "0:48-52", None),
        ("providers: {g: {models: [{id: a, price: {input: 1}}]}}", "providers.g.models.0.price.output", "0:33-38",
         None),
        ("providers: {g: {headers: {'a b': c}}}", "providers.g.headers.a b", "0:26-31", None),
        ('providers: {g: {headers: {a: "b\\nc"}}}', "providers.g.headers.a", "0:29-35", None),
        ("providers: {g: {timeouts: {idle: 0}}}", "providers.g.timeouts.idle", "0:33-34", None),
        ("providers: {g: {timeouts: {idle: true}}}", "providers.g.timeouts.idle", "0:33-37", None),
        ("providers: {g: {local: maybe}}", "providers.g.local", "0:23-28", None),
        ("models: {a: ''}", "models.a", "0:12-14", None),
        ("models: {a: []}", "models.a", "0:9-10", None),
        ("models: {a: [b, 3]}", "models.a", "0:9-10", "`NAME: …`"),
        ("models: {'a**': c}", "models.a**", "0:9-14", "`claude-*`"),
        ("models: {a: {endpoints: [b], strategy: luckiest}}", "models.a.strategy", "0:39-47", "this version"),
        ("models: {a: {endpoints: [b], fallback_on: [rain]}}", "models.a.fallback_on.0", "0:43-47", "this version"),
        ("memory: {retention: 3}", "memory.retention", "0:20-21", "`- …`"),
        ("agents: {a: {max_turns: 1.5}}", "agents.a.max_turns", "0:24-27", None),
        ("agents: {a: {model: 4}}", "agents.a.model", "0:20-21", "quotes"),
        ("agents: {a: {sampling: {top_p: 2}}}", "agents.a.sampling.top_p", "0:31-32", None),
        ("default_provider: a\napi_base: http://h/v1", "api_base", "1:10-21", "one of the two"),
        ("daemon: {log_level: loud}", "daemon.log_level", "0:20-24", "this version"),
        ("daemon: {idle_timeout: -1}", "daemon.idle_timeout", "0:23-25", None),
        ("daemon: {idle_timeout: 5 minutes}", "daemon.idle_timeout", "0:23-32", None),
        ("api_base: ${NONE}", "api_base", "0:10-17", "${NONE:-default}"),
        ("agents: {a: {sampling: {stop: ['${NONE}']}}}", "agents.a.sampling.stop.0", "0:31-40", "${NONE:-default}"),
        ("a: b: c", "", "0:4-5", None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_mend(text: str, path: str, place: str, hint: str | None) -> None:
    (problem,) = problems_of(text)
    assert problem.range
    start, end = problem.range.start, problem.range.end
    assert (problem.path, f"{start.line}:{start.character}-{end.character}") == (path, place)
    assert hint in problem.hint if hint and problem.hint else problem.hint is hint


def test_no_key_that_has_an_effect_is_said_to_be_for_later() -> None:
    assert NOT_SERVED_YET.isdisjoint(Config.model_fields)


def test_an_account_whose_variable_is_not_set_is_left_out_with_a_warning() -> None:
    loaded = load_text("providers: {g: {accounts: {a: '${NONE}', b: k}}}", FILE, {})
    assert loaded.config and list(loaded.config.providers["g"].accounts) == ["b"]
    assert [(problem.path, problem.severity) for problem in loaded.problems] == [("providers.g.accounts.a", "warning")]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        "daemon: {x: 1}\nproviders:\n  g: {api_base: no, api_key: '${', api_base: 3}\nagents: {a: {max_turns: x}}\ny: 1"
    )
    assert [problem.path for problem in problems_of(text)] == [
        "daemon.x", "providers.g.api_key", "providers.g.api_base", "providers.g.api_base", "agents.a.max_turns", "y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "providers: {g: {api_key: [sk-secret]}}",
        "providers: {g: {api_key: {command: sk-secret}}}",
        "providers: {g: {api_key: {command: [op, sk-secret, {}]}}}",
        "providers: {g: {accounts: {sk-secret-0123: sk-secret}}}",
        "providers: {g: {api_base: 'http://sk-secret@h'}}",
        "providers: {g: {api_base: sk-secret}}",
        "providers: {g: {local: sk-secret, timeouts: {idle: sk-secret}, api_protocol: sk-secret}}",
        'providers: {g: {headers: {a: "sk-secret\\nx"}}}',
        "daemon: {log_level: sk-secret, idle_timeout: sk-secret}",
        "agents: {a: {max_turns: sk-secret}}",
        "api_base: 'sk-secret",
    ],
)
def test_a_problem_never_shows_the_value(text: str) -> None:
    assert not any("secret" in problem.model_dump_json() for problem in problems_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "KEY: 1",
        "providers: {KEY: }",
        "providers: {KEY: {api_bass: http://h}}",
        "providers: {KEY: {api_base: '${NONE}'}}",
        "providers: {KEY: 1, KEY: 2}",
        "providers: {'KEY x': {}}",
        "models: {KEY: 5}",
        "models: {fast: {KEY: b}}",
        "agents: {a: {KEY: !tag x}}",
        "daemon: {embedded: {chat_templates: {KEY: none.jinja}}}",
    ],
)
@pytest.mark.parametrize(
    "key", ["sk-or-v1-0123456789abcdef", "sk-secret", "AIzaSyA0123456789", "0a1b2c3d4e5f6a7b8c9d0e1f"]
)
def test_a_problem_never_shows_a_key_that_stands_where_a_name_should(text: str, key: str) -> None:
    problems = load_text(text.replace("KEY", key), FILE, {}).problems
    assert problems and not any(key in problem.model_dump_json() for problem in problems)


@pytest.mark.parametrize(
    "name", ["hf-inference", "xai", "key_value_2", "pplx-70b-online", "claude-3-5-sonnet-20241022"]
)
def test_a_name_that_is_only_like_a_key_is_a_name(name: str) -> None:
    assert load_text(f"providers: {{{name}: {{}}}}", FILE, {}).problems == ()
    assert [problem.path for problem in problems_of(f"models: {{{name}: 5}}")] == [f"models.{name}"]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "{}", "providers:\nmodels:\nagents:\ndaemon:\n", "\ufeff"]
)
def test_a_file_that_says_nothing_is_the_defaults(text: str) -> None:
    loaded = load_text(text, FILE, {})
    assert (loaded.config, loaded.problems) == (Config(), ())


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "config.yaml", {}).config == Config()
    assert load(None, {}).config == Config()


def test_json_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b'\xef\xbb\xbf{\r\n\t"default_provider": "groq"\r\n}')
    loaded = load(path, {})
    assert loaded.config
    assert loaded.config.default_provider == "groq"


def test_a_key_that_is_not_set_leaves_its_provider_in_force() -> None:
    loaded = load_text("providers: {g: {api_key: '${NONE}', api_base: http://h/v1}}", FILE, {})
    assert loaded.config
    assert loaded.config.providers["g"].api_key is None
    assert [problem.severity for problem in loaded.problems] == ["warning"]


@pytest.mark.parametrize("content", [b"a: \xff", b"x" * 1_100_000])
def test_a_file_that_is_no_text_of_bounded_size_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    loaded = load(path, {})
    assert loaded.config is None
    assert [(problem.file, problem.severity) for problem in loaded.problems] == [(str(path), "error")]


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    assert load(tmp_path, {}).config is None
    assert load(Path("/dev/null"), {}).config is None


def test_a_limit_is_told_as_people_write_it() -> None:
    (problem,) = problems_of("budgets: {a: {usd: -1, per: day}}")
    assert problem.message == "`budgets.a.usd` must be at least 0"
