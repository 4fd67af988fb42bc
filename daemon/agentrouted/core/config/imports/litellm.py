"""LiteLLM: the `config.yaml` of its proxy."""

# https://docs.litellm.ai/docs/proxy/configs

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.config.document import KeyPath
from agentrouted.core.config.foreign import Foreign
from agentrouted.core.config.imports.base import AZURE_QUIRKS, Draft, Endpoint, Imported
from agentrouted.core.config.known_servers import KnownServer, known_server, known_server_at

HINTS: Final = {
    "callbacks": "`agentrouted usage` and the run's events tell what was called",
    "content_policy_fallbacks": "name the other model where it is wanted",
    "default_fallbacks": "write them out as the endpoints of each model that is to have them",
    "drop_params": "what an endpoint is known not to take is left out anyway",
    "environment_variables": "set them where the daemon starts",
    "general_settings": "the daemon has its own door and its own database",
    "include": "include or import that file, too",
    "max_tokens": "an agent or a run says it",
    "rpm": "a server that is busy is asked again, and the next endpoint after it",
    "temperature": "an agent or a run says it, under `sampling`",
    "tpm": "a server that is busy is asked again, and the next endpoint after it",
}
_STRATEGIES: Final = {
    "simple-shuffle": ("balance", None),
    "latency-based-routing": ("fastest", None),
    "cost-based-routing": ("cheapest", None),
    "least-busy": ("balance", "calls are shared evenly, whoever is busy"),
    "usage-based-routing": ("balance", "calls are shared evenly, whatever was used"),
    "usage-based-routing-v2": ("balance", "calls are shared evenly, whatever was used"),
}
_STRATEGY: Final = ("router_settings", "routing_strategy")
_WEIGHTS: Final = ("weight", "rpm", "tpm")
_AZURE: Final = ("azure", "azure_ai")
_CHATS: Final = {None, "chat", "completion", "responses"}
# Those that many write without their `mode`.
_NO_CHAT: Final = re.compile(r"embed|rerank|dall-e|whisper|/tts-|moderation")
_VARIABLE: Final = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_BARE_NAMES: Final = (("claude", "anthropic"), ("gemini", "google"))


def read(foreign: Foreign) -> Imported:
    reading = _Reading(foreign)
    reading.read()
    return reading.draft.finish(hints=HINTS)


@dataclass(frozen=True)
class _Deployment:
    endpoint: Endpoint
    path: KeyPath
    order: float


class _Reading:
    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        self.draft = Draft(foreign)
        self.groups: dict[str, list[_Deployment]] = {}
        self.by_id: dict[str, _Deployment] = {}

    def read(self) -> None:
        self.foreign.enter("litellm_settings")
        self.foreign.enter("router_settings")
        for number in self.foreign.numbers("model_list"):
            self._deployment(("model_list", number))
        self._groups(self._strategy())
        for alias in self.foreign.names("router_settings", "model_group_alias"):
            self._alias(alias)
        self._patience()

    def _deployment(self, path: KeyPath) -> None:
        params = (*path, "litellm_params")
        name, model = self.foreign.text(*path, "model_name"), self.foreign.text(*params, "model")
        mode = self.foreign.take(*path, "model_info", "mode")
        if name is None or model is None:
            return
        if mode not in _CHATS or (mode is None and _NO_CHAT.search(model)):
            self._leave_out(path, f"`{name}` is left out: it is for {mode or 'something else'}, not for chats")
        elif name == model == "*":
            self._leave_out(path, "`*` is left out: all other model strings go where they always go")
        elif "*" in model and ("*" not in name or model.count("*") > 1):
            self._leave_out(path, f"`{name}` is left out: nothing says what `{model}` stands for")
        elif endpoint := self._endpoint(params, model):
            self._keep(name, endpoint, path)

    def _keep(self, name: str, endpoint: Endpoint, path: KeyPath) -> None:
        params = (*path, "litellm_params")
        order = self.foreign.number(*params, "order")
        deployment = _Deployment(endpoint, path, order or float("inf"))
        self.groups.setdefault(name, []).append(deployment)
        if identity := self.foreign.text(*path, "model_info", "id"):
            self.by_id[identity] = deployment
        self._describe(endpoint, path)

    def _endpoint(self, params: KeyPath, model: str) -> Endpoint | None:
        credentials = self._credentials(params)
        base = next((base for key in ("api_base", "base_url") if (base := self._text(credentials, params, key))), None)
        prefix, model_id = self._provider_of(params, model)
        server = known_server(prefix)
        path = params[:-1]
        if base and not self.draft.address(base, (*params, "api_base")):
            self._leave_out(path, f"`{model}` is left out: nothing says where it is")
            return None
        if prefix in _AZURE and base:
            base = f"{base.rstrip('/').removesuffix('/openai/v1')}/openai/v1"
            self.draft.tell("approximate", path, "Azure is spoken to at its `/openai/v1`, which needs no version")
            self.foreign.take(*params, "api_version")
        elif server is None and not base:
            self._leave_out(
                path, f"`{model}` is left out: `{prefix}` is no provider that is known here", "give it an `api_base`"
            )
            return None
        elif server is None:
            self.draft.tell("approximate", path, f"`{prefix}` is taken for a server that speaks like OpenAI")
        is_azure = prefix in _AZURE
        return {"provider": self._provider(server, base, credentials, params, is_azure), "model": model_id}

    def _provider(
        self, server: KnownServer | None, base: str | None, credentials: KeyPath, params: KeyPath, is_azure: bool
    ) -> str:
        if base:
            wants_version = server and (server.is_local_kind or server.name == "huggingface")
            base = base.rstrip("/")
            base = f"{base}/v1" if wants_version and re.fullmatch(r"https?://[^/]*", base) else base
            server = known_server_at(base) or (None if server and server.name == "huggingface" else server)
        key_path = credentials if self.foreign.at(*credentials, "api_key") is not None else params
        settings = {
            "api_base": base,
            "api_key": self.draft.key(self._text(credentials, params, "api_key"), (*key_path, "api_key")),
            "headers": self._headers(params),
            "quirks": AZURE_QUIRKS if is_azure else None,
        }
        return self.draft.provider_for(server, settings, params[:-1])

    def _provider_of(self, params: KeyPath, model: str) -> tuple[str, str]:
        """The prefix that says who has the model, and the model's own name there."""
        prefix, slash, rest = model.partition("/")
        if custom := self.foreign.text(*params, "custom_llm_provider"):
            return custom, model.removeprefix(f"{custom}/")
        if slash:
            return prefix, rest
        return next((vendor for beginning, vendor in _BARE_NAMES if model.startswith(beginning)), "openai"), model

    def _credentials(self, params: KeyPath) -> KeyPath:
        """Where the key stands: at the model, or under `credential_list`."""
        name = self.foreign.text(*params, "litellm_credential_name")
        for number in self.foreign.numbers("credential_list"):
            here: KeyPath = ("credential_list", number)
            if name and self.foreign.at(*here, "credential_name") == name:
                self.foreign.take(*here, "credential_name")
                self.foreign.take(*here, "credential_info")
                return (*here, "credential_values")
        if name:
            self.draft.tell("unsupported", params, f"`{name}` is not in `credential_list`", "its key is missing")
        return params

    def _text(self, credentials: KeyPath, params: KeyPath, key: str) -> str | None:
        value = self.foreign.text(*params, key) or self.foreign.text(*credentials, key)
        return _variables(value) if value else None

    def _headers(self, params: KeyPath) -> dict[str, str]:
        headers: dict[str, str] = {}
        for key in ("headers", "extra_headers"):
            for name in self.foreign.names(*params, key):
                if value := self.foreign.text(*params, key, name):
                    headers[name] = _variables(value)
        if organization := self.foreign.text(*params, "organization"):
            headers["OpenAI-Organization"] = _variables(organization)
        return headers

    def _describe(self, endpoint: Endpoint, path: KeyPath) -> None:
        """What is known of the model: its prices and its context window."""
        places = ((*path, "model_info"), (*path, "litellm_params"))
        price: dict[str, float] = {}
        for ours, theirs in (
            ("input", "input_cost_per_token"),
            ("output", "output_cost_per_token"),
            ("cached", "cache_read_input_token_cost"),
        ):
            costs = (self.foreign.price(*place, theirs) for place in places)
            cost = next((cost for cost in costs if cost is not None), None)
            price |= {} if cost is None else {ours: round(cost * 1_000_000, 6)}
        window = self.foreign.number(*path, "model_info", "max_input_tokens")
        known = {
            "id": endpoint["model"],
            **({"context_window": int(window)} if window else {}),
            **({"price": price} if {"input", "output"} <= price.keys() else {}),
        }
        models = self.draft.providers[endpoint["provider"]].setdefault("models", [])
        if len(known) > 1 and all(model["id"] != known["id"] for model in models):
            models.append(known)
        if not models:
            del self.draft.providers[endpoint["provider"]]["models"]

    def _strategy(self) -> str:
        name = self.foreign.text(*_STRATEGY)
        strategy, unlike = _STRATEGIES.get(name or "simple-shuffle", ("balance", "calls are shared evenly"))
        if name:
            message = f"`{name}` is `strategy: {strategy}`"
            self.draft.tell(
                "approximate" if unlike else "exact", _STRATEGY, f"{message}: {unlike}" if unlike else message
            )
        return strategy

    def _groups(self, strategy: str) -> None:
        """Deployments of one name are one model. What falls back stands after what it falls back to."""
        fallbacks, for_windows = self._fallbacks("fallbacks"), self._fallbacks("context_window_fallbacks")
        after = {name: list(dict.fromkeys(fallbacks.get(name, []) + for_windows.get(name, []))) for name in self.groups}
        for name in self.groups:
            inner = f"{name}:deployments" if after[name] else name
            if not after[name] or (len(self.groups[name]) > 1 and "*" not in name):
                self._group(inner, name, strategy)
        for name, others in after.items():
            if others:
                chain: list[Endpoint] = []
                for other in (name, *others):
                    chain += [each for each in self._reached(other, after) if each not in chain]
                unlike = "it also falls back after other faults than a long context" if name not in fallbacks else None
                more = {"fallback_on": ["context_overflow"]} if name in for_windows else None
                self.draft.model(name, chain, self.groups[name][0].path, more=more, unlike=unlike)

    def _group(self, called: str, name: str, strategy: str) -> None:
        deployments = sorted(self.groups[name], key=lambda deployment: deployment.order)
        if len({deployment.order for deployment in deployments}) > 1:
            strategy = "priority"
        chain = self._weighted(deployments) if strategy == "balance" else [each.endpoint for each in deployments]
        self.draft.model(called, chain, deployments[0].path, strategy=strategy)

    def _weighted(self, deployments: Sequence[_Deployment]) -> list[Endpoint]:
        """By the first of `weight`, `rpm` and `tpm` that the first one has, if all have it; as LiteLLM does."""
        paths = [(*each.path, "litellm_params") for each in deployments]
        key = next((key for key in _WEIGHTS if self.foreign.at(*paths[0], key) is not None), None)
        if key is None or len(paths) == 1 or self.foreign.at(*_STRATEGY) not in (None, "simple-shuffle"):
            return [each.endpoint for each in deployments]
        weights = [self.foreign.number(*path, key) for path in paths]
        if not all(weights):
            self.draft.tell("approximate", deployments[0].path, f"calls are shared evenly: not all have a `{key}`")
            return [each.endpoint for each in deployments]
        for path in paths if key != "weight" else ():
            self.draft.tell("approximate", (*path, key), f"`{key}` is its share of the calls, and no limit")
        return [{**each.endpoint, "weight": weight} for each, weight in zip(deployments, weights, strict=True)]

    def _reached(self, name: str, after: Mapping[str, Sequence[str]]) -> list[Endpoint]:
        """What a model leads to without its own fallbacks, which may lead back."""
        if name not in self.groups:
            return [self.by_id[name].endpoint]
        if len(self.groups[name]) == 1 or "*" in name:
            return [deployment.endpoint for deployment in self.groups[name]]
        return [{"model": f"{name}:deployments" if after[name] else name}]

    def _fallbacks(self, key: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for section in ("litellm_settings", "router_settings"):
            for number in self.foreign.numbers(section, key):
                for name in self.foreign.names(section, key, number):
                    path: KeyPath = (section, key, number, name)
                    if names := list(self._fallback_names(name, path)):
                        found.setdefault(name, []).extend(names)
        return found

    def _fallback_names(self, name: str, path: KeyPath) -> Iterator[str]:
        others = self.foreign.texts(*path)
        if name not in self.groups:
            self.foreign.take(*path)
            self.draft.tell("unsupported", path, f"`{name}` is none of the models that are read", HINTS["include"])
            return
        for other in others:
            if other in self.groups or other in self.by_id:
                self.draft.tell("exact", path, f"`{name}` goes on to `{other}`")
                yield other
            else:
                self.draft.tell("unsupported", path, f"`{other}` is none of the models that are read")

    def _alias(self, alias: str) -> None:
        path = ("router_settings", "model_group_alias", alias)
        name = self.foreign.text(*path) or self.foreign.text(*path, "model")
        self.foreign.take(*path, "hidden")
        if name in self.draft.models:
            self.draft.model(alias, [{"model": name}], path)
        else:
            self.draft.tell("unsupported", path, f"`{alias}` is left out: it stands for no model that is read")

    def _patience(self) -> None:
        for section in ("router_settings", "litellm_settings"):
            retries = self.foreign.number(section, "num_retries")
            if retries and retries == int(retries):
                self._for_all((section, "num_retries"), {"retries": int(retries)}, "for each endpoint")
            for key in ("timeout", "request_timeout"):
                if seconds := self.foreign.number(section, key):
                    self._for_all((section, key), {"timeouts": {"first_byte": seconds}}, "until the reply begins")

    def _for_all(self, path: KeyPath, settings: dict[str, Any], how: str) -> None:
        self.draft.tell("approximate", path, f"`{path[-1]}` counts {how}")
        for name, provider in self.draft.providers.items():
            self.draft.providers[name] = {**provider, **settings}

    def _leave_out(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        self.foreign.take(*path)
        self.draft.tell("unsupported", path, message, hint)


def _variables(value: str) -> str:
    """`os.environ/NAME` as `${NAME}`."""
    return _VARIABLE.sub(r"${\1}", value)
