"""The page about the configuration, from the same models."""

from collections.abc import Iterator
from inspect import getdoc
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agentrouted.core.config.known import plain_type, plain_types
from agentrouted.core.config.model import Config
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
    return _PAGE.format(example=EXAMPLE, keys=KEYS_EXAMPLE, sections=sections)


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
    meanings = field_docs(model)
    rows = "\n".join(_row(name, field, meanings.get(name, "")) for name, field in model.model_fields.items())
    heading = f"## `{title}`" if title else "## The top level"
    return f"{heading}\n\n{getdoc(model)}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n"


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
