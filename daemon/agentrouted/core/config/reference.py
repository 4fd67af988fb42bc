"""The page about the configuration, from the same models."""

from collections.abc import Iterator
from inspect import getdoc
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agentrouted.core.config.known import plain_type, plain_types
from agentrouted.core.config.model import Config
from agentrouted.core.config.workspace_file import WorkspaceFile
from agentrouted_protocol.docstrings import field_docs

EXAMPLE = """\
# ~/.agentroute/config.yaml
providers:
  groq:
    api_base: https://api.groq.com/openai/v1
    api_key: ${GROQ_API_KEY}
    models:
      - id: llama-3.3-70b-versatile
        context_window: 131072
        price: {input: 0.59, output: 0.79}
  workstation:
    api_base: http://${WORKSTATION:-192.168.1.20}:8000/v1
    local: true
    timeouts: {first_byte: 300}

models:
  fast: groq/llama-3.3-70b-versatile
  careful:
    endpoints: [workstation/qwen3-32b, groq/llama-3.3-70b-versatile]
    fallback_on: [context_overflow, model_missing]
  claude-*: anthropic/claude-sonnet-4

agents:
  reviewer:
    description: Reads a diff as a stranger would
    model: careful
    instructions: You review code. Be brief, and name the line.
    max_turns: 5
    sampling: {temperature: 0.2}

daemon:
  idle_timeout: 1800
"""

KEYS_EXAMPLE = """\
providers:
  openai:
    api_key: {command: [op, read, op://Private/OpenAI/key]}   # or pass, gcloud, a script of yours
  groq:
    api_key: {keyring: agentrouted/groq}                      # after `keyring set agentrouted groq`
  openrouter:
    accounts:                                                 # asked in this order
      work: ${WORK_KEY}
      private: {keyring: agentrouted/openrouter-private}
"""

OWN_EXAMPLE = """\
# .agentroute.yaml
instructions: Use tabs. Tests are named after what comes out.
agents:
  reviewer-of-this:
    description: Knows the rules of this repository
    model: careful
    instructions: Compare the change with STYLE.md, and name the line.
limits:
  boundary: local
  max_turns: 5
"""

_PAGE = """\
<!-- Generated from agentrouted.core.config.model; do not edit. -->
# Configuration

One YAML file, `~/.agentroute/config.yaml`, or the one that `--config` or the environment variable `AGENTROUTE_CONFIG`
names. It need not exist: without it, the defaults hold. `agentrouted config check` says what is wrong, and where.

```yaml
{example}```

- **Changes are live** as soon as they are saved. A run that is under way goes on with what it began with.
- **A file with an error changes nothing.** What was in force stays (at the start, the defaults); the errors are told.
- **Variables**: `${{NAME}}` in a value stands for the environment variable, and `${{NAME:-default}}` has a default for
  when it is not set, or empty; `$${{` is a plain `${{`. A variable that is not set is an error; for an `api_key` it is
  a warning, and the key counts as not written.
- **YAML 1.2**: `no`, `on` and dates are text. A key that is not known is an error. One without a value counts as not
  written.
- **Editors** complete and check the file with the schema beside this page, `config.schema.json`.

{sections}
## Keys

The first that is found is sent: the `apiKey` of the request; the environment variable of the provider (its own, or
`AGENTROUTE_<PROVIDER>_API_KEY`); `api_key` or `accounts` here; the plain file below, by provider, then by host; and
last the editor's, if it offers to give keys. `agentrouted resolve MODEL` says which, and shows no key.

```yaml
{keys}```

- **A key belongs to a host.** It goes to its provider's scheme, host and port, and nowhere else: not to another
  `baseUrl`, and not with a redirect.
- **Commands and the keyring** are asked when a run needs the key, once for all runs, and it is kept in memory for
  `refresh` seconds. A key that is refused is fetched anew, once. Nothing is looked up in the keyring that does not
  stand here.
- **Several accounts** are endpoints of one chain. Where one has no credit left, is asked too often or is refused, the
  next is asked; the `route` of the result says which account has answered.

## `.agentroute.yaml` in a folder

A repository may bring agents, instructions and stricter limits for those who work in its folder: the folder that the
client names in `initialize` (`workspace`, `workspaceFolders`, `rootUri`), or that a command is started in. Only that
folder itself is looked at, none above it. Of several folders, all that they say holds.

```yaml
{own}```

{own_keys}
Nobody has vouched for such a file, so it can make things stricter and nothing else:

- **No addresses, keys, commands or variables.** A model is a name that your own config, the environment or OpenRouter
  lead somewhere. Agents have no `mcp_servers` and no `memory`, call only each other, and cannot ask for more than 10
  turns; a run can. `${{NAME}}` stays as it is written. What is not allowed is an error that says where it has to stand.
- **Your config comes first.** An agent with the name of one of yours has no effect, and that is told. A limit holds if
  it is stricter than yours.
- **Instructions are sent after those of the run or its agent**, and the model is told where they come from. They may
  still try to talk it into something, as any file of the repository may: approvals and your limits are what helps.
- **Changes are live** as soon as they are saved, also of a file that was not there before. One with an error changes
  nothing, and what is wrong is told to who works there, and by `agentrouted config check` in that folder. If it was
  never good and has `limits`, or cannot be read, only models of this machine are asked until it is mended.
- At most 64 KiB, 5,000 values, no aliases and no symbolic link; one of another user is left aside.

`agent/list` and `config/get` say of each value in which file it stands. Python programs that use `agentrouted` in their
own process do not read it.

## `~/.agentroute/config`

A plain file beside, for keys that are not to stand in the YAML file. One `name=value` a line; blank lines, `#`
comments, quotes and `export` are understood. The environment and the YAML file come first.

| name | value |
|---|---|
| `api_key`, `openrouter_api_key` | the key for OpenRouter |
| `<provider>_api_key`, such as `groq_api_key` | the key for that provider |
| `<provider>_base_url`, such as `ollama_base_url` | where that provider is |
| a host, such as `llm.example.com` | the key for that host, over HTTPS at its usual port |
| a host and a port, such as `gpu-box:8000` | the key for that port, also over plain HTTP |
"""


def render_markdown() -> str:
    titles: dict[type[BaseModel], list[str]] = {}
    for title, model in _sections("", Config):
        titles.setdefault(model, []).append(title)
    sections = "\n".join(_section("`, `".join(places), model) for model, places in titles.items())
    own_keys = _table(WorkspaceFile)
    return _PAGE.format(example=EXAMPLE, keys=KEYS_EXAMPLE, own=OWN_EXAMPLE, own_keys=own_keys, sections=sections)


def _sections(title: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield title, model
    for name, field in model.model_fields.items():
        suffix, inner = _inner(plain_type(field.annotation))
        if _is_model(inner):
            yield from _sections(f"{title}.{name}{suffix}".lstrip("."), inner)


def _inner(kind: Any) -> tuple[str, Any]:
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return ".<name>", plain_type(arguments[1])
    return ("[]", plain_type(arguments[0])) if get_origin(kind) is tuple else ("", kind)


def _section(title: str, model: type[BaseModel]) -> str:
    heading = f"## `{title}`" if title else "## The top level"
    return f"{heading}\n\n{getdoc(model)}\n\n{_table(model)}"


def _table(model: type[BaseModel]) -> str:
    meanings = field_docs(model)
    rows = "\n".join(_row(name, field, meanings.get(name, "")) for name, field in model.model_fields.items())
    return f"| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n"


def _row(name: str, field: FieldInfo, meaning: str) -> str:
    meaning = meaning.replace("\n", " ")
    return f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {meaning} |"


def _kind(annotation: Any) -> str:
    return " or ".join(dict.fromkeys(_kind_of_one(kind) for kind in plain_types(annotation)))


def _kind_of_one(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(kind))
    if get_origin(kind) in {tuple, list, frozenset}:
        return f"list of {_kind(get_args(kind)[0])}"
    return "mapping" if get_origin(kind) is dict or _is_model(kind) else _WORDS[kind.__name__]


_WORDS = {
    "str": "text",
    "SecretStr": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true`, `false`",
}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, float):
        return f"`{field.default:g}`"
    return f"`{field.default}`" if isinstance(field.default, str | int) else ""


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
