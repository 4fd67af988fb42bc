"""Which router's config a file is, and what it says."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from agentrouted.core.config.content import Content
from agentrouted.core.config.document import Document, KeyPath, Place, plain_scalar
from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.imports import agentgateway, bitrouter, keyvalue, litellm
from agentrouted.core.config.imports.base import Finding, Imported
from agentrouted.core.config.keyfile import load_keyfile
from agentrouted.core.config.model import Config
from agentrouted.core.config.provider import Provider
from agentrouted.core.config.yaml_source import parse
from agentrouted.core.errors import ConfigInvalid
from agentrouted_protocol.config import Position, Problem, Range


@dataclass(frozen=True)
class Format:
    title: str
    read: Callable[[Foreign], Imported]


FORMATS: Final[Mapping[str, Format]] = {
    "agentgateway": Format("agentgateway", agentgateway.read),
    "bitrouter": Format("BitRouter", bitrouter.read),
    "keyvalue": Format("keys, one a line", keyvalue.read),
    "litellm": Format("LiteLLM", litellm.read),
}


@dataclass(frozen=True)
class Reading:
    """A file of another router, in our terms."""

    format: str
    """A name in `FORMATS`."""

    document: Document
    """Our config, each value at its place in that file."""

    findings: tuple[tuple[Finding, Range | None], ...]
    """In the order of the file."""


def read_foreign(text: str, path: Path) -> Reading:
    """For a file that is no config of ours. Raises ConfigInvalid where it is nothing that is known here."""
    document = parse(text)
    name = format_of(document, text)
    if name is None and isinstance(document.data, dict) and document.data.keys() & {"providers", "models"}:
        # Short ones of BitRouter look like ours.
        name = "bitrouter"
    faults = [problem for problem in document.problems if problem.severity == "error"]
    if faults and name != "keyvalue":
        line = f":{faults[0].range.start.line + 1}" if faults[0].range else ""
        raise ConfigInvalid(f"{path}{line}: {faults[0].message}", hint=faults[0].hint)
    if name is None:
        known = ", ".join(each.title for each in FORMATS.values())
        raise ConfigInvalid(f"{path} is no config that can be imported", hint=f"known here: {known}")
    return read_document(key_document(text, path) if name == "keyvalue" else document, name)


def to_yaml(document: Document) -> str:
    """Our config as the text of a file."""
    return yaml.dump(document.data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)


class _Dumper(yaml.SafeDumper):
    """Text that our reader would take for something else is put in quotes."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = isinstance(plain_scalar(text), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _text)


def format_of(document: Document, text: str) -> str | None:
    """A name in `FORMATS`; None for our own format, and for what is none at all."""
    data = document.data
    if not isinstance(data, dict):
        return "keyvalue" if "=" in text and _ENTRIES.fullmatch(text.strip() + "\n") else None
    if data.keys() & {"model_list", "litellm_settings", "router_settings", "litellm_params"}:
        return "litellm"
    if isinstance(data.get("llm"), dict) or "binds" in data:
        return "agentgateway"
    return "bitrouter" if _is_bitrouter(data) else None


def read_document(document: Document, name: str) -> Reading:
    """The parsed YAML of a file in the format `name`."""
    foreign = Foreign(document.data)
    imported = FORMATS[name].read(foreign)
    places = {ours: place for ours, theirs in imported.sources.items() if (place := document.place_of(theirs))}
    found = [(finding, _range(document.place_of(finding.path))) for finding in imported.findings]
    found.sort(key=lambda each: (each[1].start.line, each[1].start.character) if each[1] else (0, 0))
    return Reading(name, Document(dict(imported.config), places, document.problems), tuple(found))


def key_document(text: str, path: Path | None) -> Document:
    """The entries of a plain file of keys, by name."""
    keys = load_keyfile(Content(text), path)
    lines = {name.partition(".")[2]: int(origin.rpartition(":")[2]) - 1 for name, origin in keys.origins.items()}
    places: dict[KeyPath, Place] = {(name,): Place(_line(line, text)) for name, line in lines.items()}
    return Document(dict(keys.values), places, keys.problems)


def warning_of(finding: Finding, where: Range | None, path: Path) -> Problem:
    """For those who include the file: what is not as it was written there."""
    message = f"{finding.message} ({finding.fit})"
    return Problem(
        message=message, path=finding.dotted, severity="warning", file=str(path), range=where, hint=finding.hint
    )


_ENTRIES: Final = re.compile(r"(?:\s*(?:#[^\n]*|(?:export\s+)?[\w.\[\]:-]+\s*=[^\n]*)?\n)+")
_OF_BITROUTER: Final = {
    "database", "guardrails", "inherit_defaults", "mcp", "mpp", "plugins", "policy", "policy_table", "presets",
    "registry", "routing", "server", "server_tools", "solana_rpc_url", "tools", "trajectory", "upstream", "variants",
}  # fmt: skip
_OF_A_BITROUTER_MODEL: Final = {"provider_model_id", "pricing", "capabilities", "reasoning_effort", "compatibility"}


_OURS_ALONE: Final = Config.model_fields.keys() - _OF_BITROUTER - {"agents", "mcp_servers", "models", "providers"}


def _is_bitrouter(data: Mapping[str, Any]) -> bool:
    if not data.keys() & {"providers", "models"} or data.keys() & _OURS_ALONE:
        return False
    if data.keys() & _OF_BITROUTER - Config.model_fields.keys():
        return True
    return _has_bitrouter_providers(data.get("providers")) or _has_bitrouter_models(data.get("models"))


def _has_bitrouter_providers(providers: Any) -> bool:
    for provider in providers.values() if isinstance(providers, dict) else ():
        if not isinstance(provider, dict):
            continue
        models, protocol = provider.get("models"), provider.get("api_protocol")
        if provider.keys() & _OF_A_BITROUTER_PROVIDER - Provider.model_fields.keys():
            return True
        if isinstance(models, dict) or isinstance(protocol, dict) or "[" in str(protocol)[1:]:
            return True
        if any(not isinstance(model, dict) or model.keys() & _OF_A_BITROUTER_MODEL for model in models or ()):
            return True
    return False


_OF_A_BITROUTER_PROVIDER: Final = {
    "account_strategy", "accounts", "active", "auth", "auto_discover", "class", "default_headers", "derives",
    "env_prefix", "priority", "protocol_endpoints", "rate_limits", "tags",
}  # fmt: skip


def _has_bitrouter_models(models: Any) -> bool:
    for model in models.values() if isinstance(models, dict) else ():
        if not isinstance(model, dict):
            continue
        if "upstream_id" in model or model.get("strategy") in ("load_balance", "cascade"):
            return True
        endpoints = model.get("endpoints")
        keys = {key for each in endpoints or () if isinstance(each, dict) for key in each}
        if keys & {"service_id", "model_id"}:
            return True
    return False


def _range(place: Place | None) -> Range | None:
    return (place.key or place.value) if place else None


def _line(number: int, text: str) -> Range:
    lines = re.split(r"\r\n|\n|\r", text)
    end = len(lines[number].rstrip()) if number < len(lines) else 0
    return Range(start=Position(line=number, character=0), end=Position(line=number, character=end))
