"""Where a server is, and what to do if it will not."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from agentrouted.core.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class _Mends:
    """What to do, for a kind of server that people run themselves."""

    start: str
    fetch: str
    """The model is not there."""

    need_less: str
    """The memory is too small for the model."""

    widen: str
    """The context window is too small for the conversation."""


_MENDS: Final = {
    "ollama": _Mends(
        start="start it with `ollama serve`",
        fetch="run `ollama pull {model}`",
        need_less="`ollama ps` shows what is loaded: free it with `ollama stop NAME`, or pull a smaller model",
        widen="raise its `context_window` in the config, or run `OLLAMA_CONTEXT_LENGTH={tokens} ollama serve`",
    ),
    "vllm": _Mends(
        start="start it with `vllm serve {model}{socket}`; while that loads the model, nothing answers yet",
        fetch="start it with `vllm serve {model}`",
        need_less="start it with less: `vllm serve {model} --max-model-len 4096`",
        widen="start it with more: `vllm serve {model} --max-model-len {tokens}`",
    ),
    "lm_studio": _Mends(
        start="start its server with `lms server start`",
        fetch="run `lms get {model}`",
        need_less="free memory with `lms unload --all`, then `lms load {model} --context-length 4096`",
        widen="load it with more: `lms load {model} --context-length {tokens}`",
    ),
    "llamacpp": _Mends(
        start="start it with `llama-server -m FILE.gguf{socket}`",
        fetch="start it with that model's file: `llama-server -m FILE.gguf`",
        need_less="start it with less: `llama-server -m FILE.gguf -c 4096`, or with a smaller file",
        widen="start it with more: `llama-server -m FILE.gguf -c {tokens}`",
    ),
    "tgi": _Mends(
        start="start it with `text-generation-launcher --model-id {model}`; while that loads, nothing answers yet",
        fetch="start it with `text-generation-launcher --model-id {model}`",
        need_less="start it with less: `text-generation-launcher --model-id {model} --max-total-tokens 4096`",
        widen="start it with more: `text-generation-launcher --model-id {model} --max-total-tokens {tokens}`",
    ),
    "local": _Mends(
        start="try again: it is started when it is needed",
        fetch="run `agentrouted models pull {model}`",
        need_less="set `daemon.embedded.context_window: 2048` in the config, or use a smaller model",
        widen="set `daemon.embedded.context_window: {tokens}` in the config, if the model can take so much",
    ),
}

_SOCKET: Final = {"vllm": " --uds {path}", "llamacpp": " --host {path}"}
"""How they are told to listen on a Unix socket. The others cannot: something else listens for them."""

_LEAST_WINDOW: Final = 8192
_LARGEST_WINDOW: Final = 1 << 20


def where(endpoint: Endpoint) -> str:
    """Host and port, or the Unix socket."""
    try:
        host = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return endpoint.socket_path or host or endpoint.base_url


def start_it(endpoint: Endpoint) -> str:
    """Nothing answers there."""
    if not endpoint.local:
        return "check the address, and that this machine is online"
    mends = _MENDS.get(endpoint.provider)
    socket = _SOCKET.get(endpoint.provider, "").format(path=endpoint.socket_path) if endpoint.socket_path else ""
    known = mends.start if mends else "start the server there, or check the address"
    return known.format(model=endpoint.model_id, socket=socket)


def fetch_it(endpoint: Endpoint) -> str:
    """The server does not have the model."""
    mends = _MENDS.get(endpoint.provider)
    known = mends.fetch if mends else "check the model's name: `agentrouted models` lists what can run"
    return known.format(model=endpoint.model_id)


def need_less(endpoint: Endpoint) -> str:
    """The server has not the memory for the model."""
    mends = _MENDS.get(endpoint.provider)
    return mends.need_less.format(model=endpoint.model_id) if mends else "use a smaller model, or try again later"


def widen(endpoint: Endpoint, refusal: str) -> str:
    """The conversation is longer than the window, and `refusal` says by how much."""
    shorten = "shorten the conversation, or "
    if mends := _MENDS.get(endpoint.provider):
        return shorten + mends.widen.format(model=endpoint.model_id, tokens=_enough(refusal))
    return f"{shorten}use a model with a longer context window"


def give_key(endpoint: Endpoint) -> str:
    """The key is missing or refused."""
    if "." in endpoint.provider:
        place = f"`{where(endpoint)}=<key>` in ~/.agentroute/config"
    else:
        name = "".join(each if each.isalnum() else "_" for each in endpoint.provider)
        prefix = "" if endpoint.provider in {*_MENDS, "openrouter"} else "AGENTROUTE_"
        place = f"{prefix}{name.upper()}_API_KEY, or `{endpoint.provider}_api_key=<key>` in ~/.agentroute/config"
    return f"`agentrouted resolve` shows where the key comes from; set {place}" if endpoint.api_key else f"set {place}"


def _enough(refusal: str) -> int:
    """Tokens: a power of two above the largest number that the server speaks of, which is what was asked for."""
    asked = max((int(number) for number in re.findall(r"\d{1,7}", refusal)), default=0)
    return min(max(1 << asked.bit_length(), _LEAST_WINDOW), _LARGEST_WINDOW)
