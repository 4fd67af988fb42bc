"""agentgateway: the `llm` section of its config file."""

# https://agentgateway.dev/docs/standalone/latest/llm/

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.config.document import KeyPath
from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.imports.base import AZURE_QUIRKS, Draft, Endpoint, Imported
from agentrouted.core.config.known_servers import KnownServer, known_server, known_server_at

HINTS: Final = {
    "binds": "only the `llm` section is read",
    "apiKey": "write it as `$NAME`, for an environment variable",
    "policies": "they are for clients of that gateway",
    "gateways": "they are for clients of that gateway",
    "port": "it is for clients of that gateway",
}
_VARIABLE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_STRIP_PREFIX: Final = re.compile(r"""llmRequest\.model\.stripPrefix\((["'])(.*)\1\)""")
_FORMATS: Final = {"completions": "chat_completions", "messages": "anthropic_messages", "responses": "openai_responses"}
_OPERATIONS: Final = re.compile(r"/(chat/completions|messages|responses)$")


def read(foreign: Foreign) -> Imported:
    reading = _Reading(foreign)
    reading.read()
    return reading.draft.finish(hints=HINTS)


@dataclass(frozen=True)
class _Model:
    """An entry of `llm.models`, or what a name of one leads to."""

    name: str
    provider: str
    model: str | None
    prefix: str
    path: KeyPath
    is_public: bool

    def endpoint_for(self, asked: str) -> Endpoint:
        return {"provider": self.provider, "model": self.model or asked.removeprefix(self.prefix)}

    def fits(self, asked: str) -> bool:
        if self.name.endswith("*"):
            return asked.startswith(self.name[:-1])
        return asked.endswith(self.name[1:]) if self.name.startswith("*") else asked == self.name


class _Reading:
    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        self.draft = Draft(foreign)
        self.models: list[_Model] = []
        self.references: dict[str, tuple[str, str | None, str]] = {}

    def read(self) -> None:
        for number in self.foreign.numbers("llm", "providers"):
            self._reference(("llm", "providers", number))
        for number in self.foreign.numbers("llm", "models"):
            self._model(("llm", "models", number))
        for model in self.models:
            if model.is_public:
                self.draft.model(model.name, [model.endpoint_for(model.name)], model.path)
        for number in self.foreign.numbers("llm", "virtualModels"):
            self._virtual_model(("llm", "virtualModels", number))

    def _reference(self, path: KeyPath) -> None:
        name = self.foreign.text(*path, "name")
        if name and (provider := self._provider(path, name)):
            prefix = self._prefix((*path, "defaults"))
            self.references[name] = provider, self.foreign.text(*path, "params", "model"), prefix

    def _model(self, path: KeyPath) -> None:
        name = self.foreign.text(*path, "name")
        if name is None:
            return
        if self.foreign.numbers(*path, "matches"):
            self.foreign.take(*path)
            self.draft.tell("unsupported", path, f"`{name}` is left out: it depends on headers of the request")
            return
        model, prefix = self.foreign.text(*path, "params", "model"), self._prefix(path)
        if reference := self.foreign.text(*path, "provider", "reference"):
            if reference not in self.references:
                self.draft.tell("unsupported", path, f"`{name}` is left out: its provider cannot be used")
                return
            provider, its_model, its_prefix = self.references[reference]
            model, prefix = model or its_model, prefix or its_prefix
        elif not (provider := self._provider(path, None) or ""):
            return
        visibility = self.foreign.text(*path, "visibility")
        self.foreign.take(*path, "id")
        self.models.append(_Model(name, provider, model, prefix, path, visibility != "internal"))

    def _provider(self, path: KeyPath, name: str | None) -> str | None:
        """The name that it has in our config; None, and told, if it cannot be there."""
        kind = self.foreign.text(*path, "provider")
        protocol = self._custom(path)
        server = known_server(kind) if kind else None
        base = self.draft.address(self._base(path, server), (*path, "params"))
        if kind == "azure" and (resource := self.foreign.text(*path, "params", "azureResourceName")):
            base = f"https://{resource}.openai.azure.com/openai/v1"
            self.draft.tell("approximate", path, "Azure is spoken to at its `/openai/v1`, which needs no version")
        if not base and server is None:
            what = f"`{kind}` is no provider that is known here" if kind else "it has no provider with an address"
            self.foreign.take(*path)
            self.draft.tell("unsupported", path, f"left out: {what}", "write it under `providers`, with its `api_base`")
            return None
        if base and (at_home := known_server_at(base)):
            server = at_home
        quirks = AZURE_QUIRKS if kind == "azure" else None
        settings = {"api_base": base, "api_key": self._key(path), "api_protocol": protocol, "quirks": quirks}
        return self.draft.provider_for(server, settings, path, name=name)

    def _custom(self, path: KeyPath) -> str | None:
        if self.foreign.at(*path, "provider", "custom") is None:
            return None
        here = (*path, "provider", "custom", "formats")
        names = [self.foreign.text(*here, number, "type") for number in self.foreign.numbers(*here)]
        return next((_FORMATS[name] for name in names if name in _FORMATS), None)

    def _key(self, path: KeyPath) -> str | None:
        for here in ((*path, "params", "apiKey"), (*path, "auth", "key")):
            if value := self.foreign.text(*here):
                return self.draft.key(_variables(value), here)
        return None

    def _base(self, path: KeyPath, server: KnownServer | None) -> str | None:
        params = (*path, "params")
        if base := self.foreign.text(*params, "baseUrl"):
            return _variables(base).rstrip("/")
        host = self.foreign.text(*params, "hostOverride")
        if not host:
            return None
        has_tls = {"backendTLS", "tls"} & set(self.foreign.names(*path))
        for name in has_tls:
            self.foreign.take(*path, name)
        operation = self.foreign.text(*params, "pathOverride") or ""
        prefix = self.foreign.text(*params, "pathPrefix") or _OPERATIONS.sub("", operation)
        scheme = "https" if has_tls or host.endswith(":443") else "http"
        default = "/v1beta" if server and server.name == "google" else "/v1"
        return f"{scheme}://{_variables(host).removesuffix(':443')}{(prefix or default).rstrip('/')}"

    def _prefix(self, path: KeyPath) -> str:
        """What is taken off the name that was asked for."""
        here = (*path, "transformation", "model")
        expression = self.foreign.at(*here)
        found = _STRIP_PREFIX.fullmatch(expression) if isinstance(expression, str) else None
        if found:
            self.foreign.take(*here)
        return found[2] if found else ""

    def _virtual_model(self, path: KeyPath) -> None:
        name = self.foreign.text(*path, "name")
        weighted, failover = (*path, "routing", "weighted", "targets"), (*path, "routing", "failover", "targets")
        if name and self.foreign.numbers(*weighted):
            chain = [{**each, "weight": weight} for weight, each in self._targets(weighted, "weight", 1) if weight]
            self.draft.model(name, chain, path, strategy="balance")
        elif name and self.foreign.numbers(*failover):
            ordered = sorted(self._targets(failover, "priority", 0), key=lambda target: target[0])
            has_ties = len({priority for priority, _ in ordered}) < len(ordered)
            unlike = "targets of one priority are tried in the order of the file" if has_ties else None
            self.draft.model(name, [endpoint for _, endpoint in ordered], path, unlike=unlike)
        elif name and self.foreign.take(*path, "routing", "conditional"):
            hint = "name the models themselves where they are used"
            self.draft.tell("unsupported", path, f"`{name}` is left out: nothing here chooses by conditions", hint)

    def _targets(self, path: KeyPath, rank: str, otherwise: int) -> Iterator[tuple[Any, Endpoint]]:
        for number in self.foreign.numbers(*path):
            asked = self.foreign.text(*path, number, "model") or ""
            value = self.foreign.take(*path, number, rank)
            if not (found := self._find(asked)):
                self.draft.tell("unsupported", (*path, number), f"`{asked}` is left out: it is none of `llm.models`")
                continue
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            yield value if is_number else otherwise, found.endpoint_for(asked)

    def _find(self, asked: str) -> _Model | None:
        fitting = [model for model in self.models if model.fits(asked)]
        return max(fitting, key=lambda model: ("*" not in model.name, len(model.name)), default=None)


def _variables(value: str) -> str:
    """`$NAME` as `${NAME}`."""
    return _VARIABLE.sub(r"${\1}", value)
