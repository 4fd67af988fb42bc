"""The program that fetches a wheel, as a child process.

Started by `download.py` as a plain file. `fetch.py pip …` is pip; `fetch.py rest URL FILE SIZE` appends to a file what
it lacks, and says on stderr why if it cannot. It ends when its stdin does: a download never outlives the pull.
"""

import os
import runpy
import shutil
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

# Seconds without a byte.
PATIENCE = 60


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # As a program of its own would have it.
    del sys.argv[0]
    if sys.argv[0] == "rest":
        _, url, file, size = sys.argv
        _fetch_rest(url, Path(file), int(size))
    else:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    os.read(0, 1)
    # At once, so that pip does not clear away what it has.
    os._exit(1)


def _fetch_rest(url: str, file: Path, size: int) -> None:
    done = file.stat().st_size
    request = Request(url, headers={"Range": f"bytes={done}-", "Accept-Encoding": "identity"})
    try:
        with urlopen(request, timeout=PATIENCE) as reply:
            if reply.headers["Content-Range"] != f"bytes {done}-{size - 1}/{size}":
                sys.exit("the server does not send the rest of this file")
            with file.open("ab") as sink:
                shutil.copyfileobj(reply, sink)
    except (OSError, HTTPException) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
