"""What a connection is about: its client and its options."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from os.path import normpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from agentrouted.core.agent.live import Run
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.keys.base import KeptKeys
from agentrouted.core.usage.call import Caller
from agentrouted.core.usage.limits import Reached
from agentrouted.server.client_log import ClientLog
from agentrouted.server.core import Core
from agentrouted.server.diagnostics import diagnostics, refusal
from agentrouted.server.host import ClientHost
from agentrouted.server.rpc import Connection
from agentrouted_protocol.base import Params, Token
from agentrouted_protocol.config import ConfigDidReloadParams, ConfigReloadResult, Problem
from agentrouted_protocol.daemon import ClientOptions
from agentrouted_protocol.usage import UsageDidReachBudgetParams

logger = logging.getLogger(__name__)


class ClientSession:
    """One client, from `initialize` to the end of its connection.

    `watch_process` is called with the client's `processId` (LSP 3.17, `InitializeParams`), `ended` at the end.
    """

    def __init__(
        self,
        core: Core,
        connection: Connection,
        *,
        watch_process: Callable[[int], None],
        ended: Callable[[Connection], None],
    ) -> None:
        self.core = core
        self.options = ClientOptions()
        self._said_name = ""
        self._said_folders: tuple[str, ...] = ()
        self._entered: tuple[str, ...] = ()
        self._opened: tuple[str, ...] = ()
        self._shown_files: set[Path] = set()
        self._said_process: int | None = None
        self._connection = connection
        self._watch_process = watch_process
        self._ended = ended
        self.is_closed = False
        self._secrets = KeptKeys()
        self._shown: dict[Token, Callable[[], object]] = {}
        self._followed: dict[str, tuple[Run, ClientHost]] = {}
        self.log = ClientLog(partial(self._notify, "window/logMessage"))
        self._at_end = contextlib.ExitStack()
        core.connections.add(connection)

    def initialize(self, params: Any) -> None:
        """Lenient, as LSP is: what can't be read is left at its default."""
        params = params if isinstance(params, dict) else {}
        self.log.trace(params.get("trace"))
        self._at_end.enter_context(self.log.attached())
        experimental = _under(params, "capabilities", "experimental", "agentrouted")
        self.set_options(_under(params, "initializationOptions", "agentrouted") or experimental or {})
        self._at_end.callback(self.core.services.ledger.subscribe(self._budget_reached))
        self._said_name = _text(_under(params, "clientInfo", "name"))
        self._said_folders = folders_of(params)
        config = self.core.services.config
        self._at_end.callback(config.subscribe(self._config_reloaded, lambda: self._opened))
        self._at_end.callback(lambda: config.close(self._entered))
        self._open_folders()
        logger.info("%.100r has connected", self.caller.name or "a client")
        if isinstance(process := params.get("processId"), int):
            self._said_process = process
            self._watch_process(process)

    def change_options(self, options: Any) -> None:
        """In the midst of a session."""
        self.set_options(options)
        self._follow_folders()

    def change_folders(self, added: Iterable[str], removed: Collection[str]) -> None:
        """In the midst of a session."""
        kept = [folder for folder in self._said_folders if folder not in removed]
        self._said_folders = tuple(dict.fromkeys([*kept, *added]))
        self._follow_folders()

    def _follow_folders(self) -> None:
        if self._open_folders():
            self._connection.in_turn(self.tell_problems)

    def set_options(self, options: Any) -> None:
        """Change those that are named and can be read; the others stay."""
        for name, value in options.items() if isinstance(options, dict) else ():
            try:
                said = ClientOptions.model_validate({name: value}, extra="ignore")
            except ValidationError:
                logger.warning("the client's option %.100r can't be read", name)
            else:
                self.options = self.options.model_copy(update=said.model_dump(exclude_unset=True))

    def _open_folders(self) -> bool:
        """Have the own files of its folders read; nothing else is done for this client before they are."""
        folders, config = self.folders, self.core.services.config
        if folders == self._entered:
            return False
        opening = asyncio.ensure_future(config.open(folders))
        config.close(self._entered)
        self._entered = folders
        opening.add_done_callback(lambda _: setattr(self, "_opened", folders))
        self._connection.hold_until(opening)
        return True

    def host(self, params: Params) -> ClientHost:
        """This client as the host of a run that it asked for."""
        return ClientHost(
            self._connection,
            self.options,
            self._secrets,
            partial_result_token=params.partial_result_token,
            work_done_token=params.work_done_token,
        )

    @property
    def folders(self) -> tuple[str, ...]:
        """What the client has open; what it calls its workspace is the first."""
        workspace = self.options.workspace
        return (workspace, *self._said_folders) if workspace else self._said_folders

    @property
    def caller(self) -> Caller:
        """This client, as it stands in the ledger."""
        folders = self.folders
        return Caller(
            name=self.options.client_name or self._said_name,
            process=self._connection.link.peer_process or self._said_process,
            # Some clients end it with a slash.
            workspace=normpath(folders[0]) if folders else "",
            folders=folders,
        )

    @property
    def snapshot(self) -> Snapshot:
        """The config as it holds for this client."""
        return self.core.services.config.current.in_folders(self.folders)

    @property
    def followed(self) -> list[Run]:
        """The runs that this client hears of."""
        return [run for run, _ in self._followed.values()]

    def follow(self, run: Run, host: ClientHost) -> None:
        """This client gets the run's events and questions as `host`, and once only."""
        _, before = self._followed.get(run.run_id, (run, None))
        if before is not None:
            run.audience.remove(before)
        self._followed[run.run_id] = (run, host)
        run.when_ended(lambda: self._followed.pop(run.run_id, None))

    @contextlib.contextmanager
    def showing(self, run: Run, token: Token | None) -> Iterator[None]:
        """While a run's progress is shown under a token, the user can cancel it there."""
        if token is None:
            yield
            return
        self._shown[token] = run.cancel
        try:
            yield
        finally:
            self._shown.pop(token, None)

    @contextlib.contextmanager
    def working(self, token: Token | None, title: str) -> Iterator[Callable[[str], None]]:
        """While this task works, its progress is shown under a token, as it is reported; the user can cancel it there.

        LSP 3.17, "Work Done Progress".
        """
        task = asyncio.current_task()
        if token is None or task is None:
            yield lambda message: None
            return
        self._shown[token] = task.cancel
        self._show(token, {"kind": "begin", "title": title, "cancellable": True})
        try:
            yield lambda message: self._show(token, {"kind": "report", "message": message})
        finally:
            self._shown.pop(token, None)
            self._show(token, {"kind": "end"})

    def cancel_with(self, token: Any) -> None:
        cancel = self._shown.get(token) if isinstance(token, (str, int)) else None
        if cancel is not None:
            cancel()

    def _show(self, token: Token, value: dict[str, Any]) -> None:
        self._notify("$/progress", {"token": token, "value": value})

    def tell_problems(self) -> None:
        """Tell what is wrong with the config at the start: without a word the defaults would be in force."""
        snapshot = self.snapshot
        # What is shown of a folder that the client has left goes, too.
        if snapshot.problems or self._shown_files:
            problems = list(snapshot.problems)
            self._config_reloaded(
                ConfigReloadResult(generation=snapshot.generation, ok=snapshot.is_good, changed=[], problems=problems)
            )
        if not self.core.services.config.current.is_good:
            self.log.tell(logging.WARNING, refusal(snapshot.path, snapshot.problems))

    def closed(self) -> None:
        self.is_closed = True
        self._secrets.clear()
        for run, host in list(self._followed.values()):
            run.left(host)
        self.core.connections.discard(self._connection)
        self._at_end.close()
        self._ended(self._connection)

    def _config_reloaded(self, result: ConfigReloadResult) -> None:
        self._notify("config/didReload", ConfigDidReloadParams(**dict(result)))
        self._publish(result.problems)
        # Of its own folders only this client hears; of the user's file, all do.
        if own := [
            problem for file in self.snapshot.joined for problem in file.problems if problem.severity == "error"
        ]:
            logger.info("%s", refusal(None, own))
            self.log.tell(logging.WARNING, refusal(None, own))

    def _budget_reached(self, reached: Reached) -> None:
        limit = reached.limit
        params = UsageDidReachBudgetParams(
            name=limit.name,
            percent=reached.percent,
            unit=limit.unit,
            spent=reached.spent,
            limit=limit.amount,
            resets_at=limit.resets_at(reached.at),
        )
        self._notify("usage/didReachBudget", params)

    def _publish(self, problems: list[Problem]) -> None:
        snapshot = self.snapshot
        own = {file.path for file in snapshot.joined}
        for path in (snapshot.path, *sorted(own | self._shown_files)):
            if path is not None:
                self._notify("textDocument/publishDiagnostics", diagnostics(path, problems))
        self._shown_files = own

    def _notify(self, method: str, params: Any) -> None:
        if method not in self.options.opt_out:
            self._connection.notify(method, params)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def folders_of(params: dict[str, Any]) -> tuple[str, ...]:
    """LSP 3.17, `InitializeParams`: the `workspaceFolders`, else the `rootUri` of old, as paths."""
    folders = params.get("workspaceFolders")
    return paths_of(folders if isinstance(folders, list) and folders else [{"uri": params.get("rootUri")}])


def paths_of(folders: Any) -> tuple[str, ...]:
    """LSP 3.17, `WorkspaceFolder[]`. What is no folder of this machine is left out."""
    uris = [_under(folder, "uri") for folder in folders] if isinstance(folders, list) else []
    return tuple(filter(None, map(_path, uris)))


def _path(uri: Any) -> str:
    """Of RFC 8089: with or without an authority, which is this machine."""
    scheme, _, rest = _text(uri).partition("://")
    host, slash, path = rest.partition("/")
    return unquote(slash + path) if scheme.lower() == "file" and host in ("", "localhost") else ""


def _under(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
