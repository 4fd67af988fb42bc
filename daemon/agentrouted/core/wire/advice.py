"""Where a server is, and what to do if it will not."""

from urllib.parse import urlsplit

from agentrouted.core.endpoint import Endpoint

_START = {
    "ollama": "start it with `ollama serve`",
    "vllm": "start it with `vllm serve {model}`",
    "lm_studio": "start its server with `lms server start`",
    "llamacpp": "start it with `llama-server -m FILE.gguf`",
}
_FETCH = {
    "ollama": "run `ollama pull {model}`",
    "vllm": "start it with `vllm serve {model}`",
    "lm_studio": "run `lms get {model}`",
    "llamacpp": "start `llama-server` with that model's file",
    "local": "run `agentrouted models pull {model}`",
}


def where(endpoint: Endpoint) -> str:
    """Host and port, or the Unix socket."""
    try:
        host = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return endpoint.socket_path or host or endpoint.base_url


def start_it(endpoint: Endpoint) -> str:
    """Nothing answers there."""
    if endpoint.local:
        return _START.get(endpoint.provider, "start the server there, or check the address").format(
            model=endpoint.model_id
        )
    return "check the address, and that this machine is online"


def fetch_it(endpoint: Endpoint) -> str:
    """The server does not have the model."""
    known = _FETCH.get(endpoint.provider, "check the model's name: `agentrouted models` lists what can run")
    return known.format(model=endpoint.model_id)


def give_key(endpoint: Endpoint) -> str:
    """The key is missing or refused."""
    if "." in endpoint.provider:
        place = f"`{where(endpoint)}=<key>` in ~/.agentroute/config"
    else:
        name = "".join(each if each.isalnum() else "_" for each in endpoint.provider)
        prefix = "" if endpoint.provider in {*_FETCH, "openrouter"} else "AGENTROUTE_"
        place = f"{prefix}{name.upper()}_API_KEY, or `{endpoint.provider}_api_key=<key>` in ~/.agentroute/config"
    return f"`agentrouted resolve` shows where the key comes from; set {place}" if endpoint.api_key else f"set {place}"
