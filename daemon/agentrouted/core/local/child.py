"""The program that runs one GGUF model, as a child process.

Started by `process.py` as a plain file: it imports nothing of ours, so that a model is ready in well under a second.
One JSON line comes in on stdin (`model`, `socket`, `api_key`, and the fields of `EngineSettings`), one goes out on
stdout: what was learned about the model, or `{"missing": why}`. A model that cannot be loaded ends the process; the
reason is on stderr.
It then serves until stdin ends, which also happens when the parent is killed.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

# Tokens. Enough for a long conversation with tools, and of an 8B model about 1 GiB; a smaller window of the model wins.
CONTEXT_WINDOW = 8192

# Tokens of a text that becomes a vector.
LONGEST_TEXT = 2048

# Each request holds one until it ends, also while it waits for its turn. The default is eight or so.
HTTP_THREADS = 64

# What llama.cpp takes for no idle time at all.
NEVER = -1


def main() -> None:
    reply = _take_over_stdout()
    settings = json.loads(sys.stdin.buffer.readline())
    try:
        import xllamacpp
    except ImportError as error:
        _answer(reply, {"missing": str(error)})
        return
    # The socket is made by C++ code: only the umask can make it private from its first moment.
    os.umask(0o177)
    # Bound to a name, or the server would end here. It loads under the GIL: a parent's death is seen after that.
    try:
        _server = xllamacpp.Server(parameters := _parameters(xllamacpp, settings))
        if settings["embeddings"] and not _makes_one_vector(settings):
            del _server
            Path(settings["socket"]).unlink()
            parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
            _server = xllamacpp.Server(parameters)
    except RuntimeError:
        # The reason is in llama.cpp's log, which a thread of its own writes.
        time.sleep(0.1)
        raise
    # llama.cpp's own handlers would stop the server but not the process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    learned = _what_was_loaded(settings)
    try:
        _answer(reply, learned)
        sys.stdin.buffer.read()
    finally:
        Path(settings["socket"]).unlink(missing_ok=True)
        # An ordinary exit during a request is a segmentation fault: destructors run under working threads.
        os._exit(0)


def _take_over_stdout() -> int:
    """C code prints too: everything but our one line goes to stderr."""
    reply = os.dup(1)
    os.dup2(2, 1)
    return reply


def _answer(reply: int, answer: dict[str, Any]) -> None:
    os.write(reply, json.dumps(answer).encode() + b"\n")


def _parameters(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings["model"]
    parameters.model_alias = {Path(settings["model"]).stem}
    parameters.hostnames = [settings["socket"]]
    parameters.api_keys = [settings["api_key"]]
    parameters.n_ctx = settings["context_window"] or CONTEXT_WINDOW
    # Several requests at once, which share the window.
    parameters.n_parallel = -1
    parameters.n_threads_http = HTTP_THREADS
    # More threads than free cores are slower than fewer.
    parameters.cpuparams.n_threads = settings["threads"] or max(1, (os.cpu_count() or 1) // 2)
    parameters.cache_ram_mib = 0
    seconds = settings["sleep_idle_seconds"]
    parameters.sleep_idle_seconds = max(1, round(seconds)) if seconds else NEVER
    # The chat template, so that tools and schemas in a request are understood; without one given, the model's own.
    parameters.use_jinja = True
    parameters.chat_template = settings["chat_template"] or ""
    parameters.ui = False
    # The first request warms up just as well.
    parameters.warmup = False
    # Fitting loads the model's head twice, and has nothing to decide where the CPU is the only device.
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    parameters.fit_params = any(device["type"] != cpu for device in xllamacpp.get_device_info())
    # Errors only: they are the reason that a failed start gives.
    parameters.verbosity = 1
    if settings["embeddings"]:
        parameters.embedding = True
        # A text has to fit into one batch.
        parameters.n_batch = parameters.n_ubatch = LONGEST_TEXT
    return parameters


def _makes_one_vector(settings: dict[str, Any]) -> bool:
    """Of a text; a model that was made to talk has one for each of its tokens."""
    status, _ = _ask(settings, "POST /v1/embeddings", b'{"input": "text"}')
    return status == 200


def _what_was_loaded(settings: dict[str, Any]) -> dict[str, Any]:
    _, body = _ask(settings, "GET /props")
    properties = json.loads(body)
    return {
        "context_window": properties["default_generation_settings"]["n_ctx"],
        # A model that makes embeddings only may have no template.
        "supports_tools": properties.get("chat_template_caps", {}).get("supports_tool_calls", False),
    }


def _ask(settings: dict[str, Any], what: str, body: bytes = b"") -> tuple[int, bytes]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(settings["socket"])
        headers = f"Authorization: Bearer {settings['api_key']}\r\nContent-Length: {len(body)}"
        connection.sendall(f"{what} HTTP/1.0\r\n{headers}\r\n\r\n".encode() + body)
        with connection.makefile("rb") as stream:
            head, _, reply = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), reply


if __name__ == "__main__":
    main()
