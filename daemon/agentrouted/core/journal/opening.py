"""The journal of a daemon: on disk where that can be."""

import logging
from pathlib import Path
from typing import Final

from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.errors import Storage
from agentrouted.core.journal.base import Journal
from agentrouted.core.journal.common import Retention
from agentrouted.core.journal.volatile import VolatileJournal
from agentrouted.core.storage.shared import SharedDatabase

logger = logging.getLogger(__name__)

_SECONDS_A_DAY: Final = 86400
_MEGABYTE: Final = 1024 * 1024


async def open_journal(path: Path | None, settings: JournalSettings, shared: SharedDatabase | None = None) -> Journal:
    """The journal in the database at `path`. Where it cannot be used, one in memory, whose `reason` says why.

    `shared` is this database as others of the process have it, too.
    """
    if not settings.enabled:
        return VolatileJournal("`daemon.journal.enabled` is false")
    if path is None:
        return VolatileJournal("there is no folder to keep it in: set HOME")
    # sqlite3 and aiosqlite are a tenth of the way to the first answer.
    from agentrouted.core.journal.sqlite import SqliteJournal

    retention = Retention(settings.keep_days * _SECONDS_A_DAY, settings.max_megabytes * _MEGABYTE)
    try:
        database = await (shared or SharedDatabase(path)).get()
    except Storage as error:
        return _without(error)
    try:
        return await SqliteJournal.open(database, retention)
    except Storage as error:
        if shared is None:
            await database.aclose()
        return _without(error)


def _without(error: Storage) -> VolatileJournal:
    logger.warning("runs are kept in memory only: %s; %s", error.message, error.hint)
    return VolatileJournal(error.message)
