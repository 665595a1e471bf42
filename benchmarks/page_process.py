"""The page as it runs at a site: a process of its own, asked over HTTP, and what it takes.

In the process of a benchmark it would share the garbage collector with all that this one keeps, and
would not begin as a page does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks.page_cost import Used
from settings.environment import PREFIX, Settings
from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY

_START_S: Final = 120.0
_ANSWER_S: Final = 60.0
_ALL_THREADS: Final = 2  # CPUCLOCK_SCHED of linux/posix-timers.h: nanoseconds, ended threads too


def processor_clock(pid: int) -> Used:
    """Seconds of processor time that a process has taken, as clock_getcpuclockid(3) finds it."""
    clock = (~pid << 3) | _ALL_THREADS
    return lambda: time.clock_gettime(clock)


@asynccontextmanager
async def page_of_its_own(
    settings: Settings, folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Used]]:
    """`python -m worklist`, somebody who asks it, and the processor time that it takes.

    Parameters
    ----------
    settings : whose data folder and database it shows
    folder : for its log
    """
    port = free_port()
    environment = {
        f"{PREFIX}DATA_FOLDER": str(settings.data_folder.resolve()),
        f"{PREFIX}DATABASE_URL": settings.database_address,
        f"{PREFIX}WORKLIST_PORT": str(port),
        "PYTHONPATH": str(REPOSITORY),
    }
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "worklist"]
    with ServerProcess("page", command, folder=folder, environment=environment) as process:
        process.wait_until_ready(lambda: _answers(address), limit_s=_START_S)
        async with httpx.AsyncClient(base_url=address, timeout=_ANSWER_S) as page:
            yield page, processor_clock(process.pid)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/page").status_code == 200
    except httpx.TransportError:
        return False
