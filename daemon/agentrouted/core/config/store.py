"""The configuration in force, and how it changes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentrouted.core.config.content import Content, keys_in, read_content, saved
from agentrouted.core.config.difference import difference
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.keyfile import load_keyfile
from agentrouted.core.config.load import Loaded, load_content, load_text
from agentrouted.core.config.own_files import OwnFiles
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.watch import changes
from agentrouted_protocol.config import ConfigReloadResult, Problem

Subscriber = Callable[[ConfigReloadResult], None]


@dataclass(frozen=True)
class _Contents:
    """Of all files; the same contents are no reload."""

    config: Content
    keys: Content
    included: Mapping[Path, Content]

    def is_emptied(self, before: "_Contents") -> bool:
        """True if a file says nothing now that said something before."""
        pairs = [(before.config, self.config), *((before.included[path], now) for path, now in self.included.items())]
        return any(now.is_emptied(was) for was, now in pairs)


class ConfigStore:
    """Holds `current`, one immutable snapshot, and puts another in its place when the files change.

    A bad file changes nothing: what was in force stays, at the start the defaults, and its problems are told.
    Making a store reads the files: do it before the loop serves.
    """

    def __init__(self, environment: Environment, explicit: str | None = None) -> None:
        self._environment = environment
        self._explicit = explicit
        self._path = environment.config_file(explicit)
        self._is_named = environment.named_config_file(explicit) is not None
        self._subscribers: list[tuple[Subscriber, Callable[[], Sequence[str]]]] = []
        self._own = OwnFiles(self._own_files_changed)
        self._one_at_a_time = asyncio.Lock()
        self._contents = _Contents(Content(None), Content(None), {})
        defaults = Snapshot.defaults(environment.environ, self._path)
        self._contents, self.current = self._next(defaults, self._read())

    async def reload(self, folders: Sequence[str] = ()) -> ConfigReloadResult:
        """Read the files now, with the own files of these folders. If they say what they said before, nothing happens
        and nobody is told.
        """
        before = self.current
        await self._own.look(folders)
        await self._reload(self._read)
        return _result(before.in_folders(folders), self.current.in_folders(folders))

    def open(self, folders: Iterable[str]) -> Coroutine[Any, Any, None]:
        """Read the own files of folders that a client works in, and follow them until `close`."""
        self._own.enter(folders)
        return self._own.look(folders)

    def close(self, folders: Iterable[str]) -> None:
        """The client has gone."""
        self._own.leave(folders)

    async def watch(self) -> None:
        """Reload whenever a file changes, until cancelled."""
        # YAML is loaded by now, off the start path, so that the first change is live as fast as the next.
        await self.validate("{}")
        while True:
            files = self._files()
            async with aclosing(changes(files)) as stream:
                async for _ in stream:
                    await self._reload(lambda: saved(self._read, lambda found: found.is_emptied(self._contents)))
                    if self._files() != files:
                        break
                else:
                    raise RuntimeError("the thread that watches the config has ended")

    def look(self, environment: Environment) -> Snapshot:
        """For a program that does not watch: take in the files and the environment as they are now."""
        is_same = environment is self._environment
        if not is_same:
            self._environment, self._path = environment, environment.config_file(self._explicit)
        contents = self._read()
        if not is_same or contents != self._contents:
            before = replace(self.current, environ=environment.environ)
            self._contents, self.current = self._next(before, contents)
        return self.current

    def subscribe(self, subscriber: Subscriber, folders: Callable[[], Sequence[str]] = tuple) -> Callable[[], None]:
        """Call `subscriber` on the loop after each reload, good or bad; what this returns ends it.

        The own files of `folders` are a part of what it is told; of others it does not hear.
        """
        entry = (subscriber, folders)
        self._subscribers.append(entry)
        return lambda: self._subscribers.remove(entry)

    async def validate(self, text: str | None = None) -> list[Problem]:
        """What is wrong with `text`, or with the file on disk; nothing is put in force."""
        environ = self._environment.environ
        if text is None:
            loaded = await asyncio.to_thread(lambda: self._load(read_content(self._path)))
        else:
            loaded = await asyncio.to_thread(load_text, text, self._path, environ)
        return list(loaded.problems)

    async def _reload(self, read: Callable[[], _Contents]) -> None:
        async with self._one_at_a_time:
            before = self.current
            self._contents, after = await asyncio.to_thread(self._look, before, read)
            if after is not before:
                self._put_in_force(replace(after, own_files=self._own.current))

    def _own_files_changed(self) -> None:
        self._put_in_force(replace(self.current, own_files=self._own.current))

    def _put_in_force(self, after: Snapshot) -> None:
        before, self.current = self.current, after
        self._tell(before, after)

    def _tell(self, before: Snapshot, after: Snapshot) -> None:
        for subscriber, folders in self._subscribers:
            was, now = (each.in_folders(folders()) for each in (before, after))
            # The user's files, when they are read anew, make new origins.
            if before.origins is not after.origins or was.joined != now.joined:
                # By way of the loop, so that one who fails keeps neither the others nor the watcher from going on.
                asyncio.get_running_loop().call_soon(subscriber, _result(was, now))

    def _look(self, before: Snapshot, read: Callable[[], _Contents]) -> tuple[_Contents, Snapshot]:
        contents = read()
        return (contents, before) if contents == self._contents else self._next(before, contents)

    def _files(self) -> list[Path]:
        return [path for path in (self._path, self._environment.key_file, *self._contents.included) if path]

    def _read(self) -> _Contents:
        included = {path: read_content(path) for path in self._contents.included}
        return _Contents(read_content(self._path), read_content(self._environment.key_file), included)

    def _next(self, before: Snapshot, contents: _Contents) -> tuple[_Contents, Snapshot]:
        """What follows from `contents`; with them, what was included on the way."""
        loaded = self._load(contents.config)
        keyfile = load_keyfile(contents.keys, self._environment.key_file)
        is_new = loaded.config is not None or keyfile.values != before.keyfile
        after = Snapshot(
            generation=before.generation + is_new,
            config=loaded.config or before.config,
            environ=before.environ,
            keyfile=keyfile.values,
            path=self._path,
            problems=(*loaded.problems, *keyfile.problems),
            unread=frozenset() if loaded.config else keys_in(contents.config.text or ""),
            origins={**(loaded.origins if loaded.config else before.origins), **keyfile.origins},
        )
        return replace(contents, included=loaded.included), after

    def _load(self, content: Content) -> Loaded:
        if self._is_named and content == Content(None):
            missing = Problem(message="there is no such file", file=str(self._path), hint="create it, or name another")
            return Loaded(None, (missing,))
        return load_content(content, self._path, self._environment.environ)


def _result(before: Snapshot, after: Snapshot) -> ConfigReloadResult:
    return ConfigReloadResult(
        generation=after.generation,
        ok=after.is_good,
        changed=difference(before, after),
        problems=list(after.problems),
    )
