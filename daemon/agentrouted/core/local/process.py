"""One child process that runs one model: spawn, ask, stop."""

import asyncio
import json
import re
import secrets
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from agentrouted.core.errors import AgentroutedError, ConfigInvalid, ModelMissing, ProviderError

# Seconds between the polite end and SIGKILL.
GRACE = 1.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a model is run; None is what suits the machine and the model."""

    sleep_idle_seconds: float = 300
    """Unused for so long, a model gives its memory back until the next request; 0 is never."""

    threads: int | None = None
    context_window: int | None = None
    """Tokens."""

    chat_template: str | None = None
    """Jinja, in place of the model's own."""

    embeddings: bool = False
    """Texts become vectors, by `POST /v1/embeddings`: a process for this alone."""


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """An OpenAI-compatible server on a Unix socket: `POST /v1/chat/completions`, with the key as bearer token."""

    socket_path: str
    api_key: SecretStr
    context_window: int
    supports_tools: bool
    """Whether the model's chat template knows tools. Where not, llama.cpp drops `tools` from a request unsaid."""

    pid: int


class EngineProcess:
    """A child process from the moment it is spawned; whoever spawns it stops it."""

    def __init__(self, model: Path, socket_path: Path, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self._model = model
        self._socket_path = socket_path
        self._process = process
        self._log = log
        self.engine: RunningEngine | None = None
        """What there is to talk to, once `ready` has returned it."""

    @classmethod
    async def spawn(cls, model: Path, socket_path: Path) -> "EngineProcess":
        # A file without a name: it needs no reader, and is gone with the process.
        log = tempfile.TemporaryFile()  # noqa: SIM115
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(Path(__file__).with_name("child.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            # Ctrl-C in the daemon's terminal is the daemon's, which then ends its children in order.
            start_new_session=True,
        )
        return cls(model, socket_path, process, log)

    async def ready(self, settings: EngineSettings) -> RunningEngine:
        """Returns when the model is loaded and the socket listens; a model that cannot be loaded is an error."""
        assert self._process.stdin is not None and self._process.stdout is not None
        api_key = secrets.token_urlsafe(32)
        request = {
            "model": str(self._model),
            "socket": str(self._socket_path),
            # Not as an argument or a variable of the environment: those can be read from outside.
            "api_key": api_key,
            **asdict(settings),
        }
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await self._process.stdout.readline()
        answer = json.loads(line) if line else {}
        if "context_window" not in answer:
            raise await self._refusal(answer)
        self.engine = RunningEngine(str(self._socket_path), SecretStr(api_key), **answer, pid=self._process.pid)
        return self.engine

    async def answers(self) -> bool:
        """Whether it lives: one that is just dying still takes connections for a while, but hangs up on them."""
        try:
            async with asyncio.timeout(GRACE):
                reader, writer = await asyncio.open_unix_connection(self._socket_path)
                writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                try:
                    return await reader.readline() != b""
                finally:
                    writer.close()
        except (ConnectionError, FileNotFoundError):
            return False
        except (OSError, TimeoutError):
            # Its threads are all taken by streams: busy is not dead.
            return self._process.returncode is None

    def kill(self) -> None:
        """No more than the signal: `stop` still has to follow."""
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ends it, requests in flight and all, and removes its socket."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(GRACE):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        finally:
            self._socket_path.unlink(missing_ok=True)
            self._log.close()

    async def _refusal(self, answer: dict[str, str]) -> AgentroutedError:
        if missing := answer.get("missing"):
            return ModelMissing(
                f"The embedded engine is not installed in {sys.prefix}: {missing}",
                hint="pip install 'agentrouted[local]'",
            )
        code = await self._process.wait()
        self._log.seek(0)
        reason = _reason(self._log.read().decode(errors="replace")) or f"the engine ended with {code}"
        if re.search("chat.template", reason):
            return ConfigInvalid(
                f"The model {self._model} cannot be run with its chat template: {reason}",
                hint="mend the file that `daemon.embedded.chat_templates` names for it in the config",
            )
        # Where memory runs out, the system kills whoever has the most of it.
        if code == -signal.SIGKILL or re.search(r"failed to allocate|unable to allocate|out of memory", reason):
            return ProviderError(
                f"The model {self._model} needs more memory than there is: {reason}",
                hint="set `daemon.embedded.context_window: 2048` in the config, or use a smaller model",
                details={"state": "outOfMemory"},
            )
        return ProviderError(
            f"The model {self._model} cannot be loaded: {reason}",
            hint="fetch the file again, or choose another: `agentrouted models` lists what is here",
        )


def _reason(log: str) -> str:
    """The first of llama.cpp's errors, such as `0.00.063.526 E llama_model_load: …`; what follows are its effects."""
    _, *errors = re.split(r"^[\d.]+ E ", log, flags=re.MULTILINE)
    first = errors[0] if errors else log.strip().rpartition("\n")[2]
    # It may show the line of a template, and point at the fault from below.
    return " ".join(word for word in first.split() if word.strip("^-"))
