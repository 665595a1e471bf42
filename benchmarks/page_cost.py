"""Measures what one request costs the server: routes, queries, templates, without the network.

No network. SQLite is one file, PostgreSQL a server with its defaults on the same machine. Beside
the time that passed stands the processor time that the application and the database server took:
on a machine that does other work too, it is the figure that says something about us.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from pydantic import SecretStr
from rich.console import Console

from database.session import Engine
from settings.environment import Settings
from settings.page.worklist_list import WorklistList
from settings.page.worklist_order import WorklistOrder
from tests.peers.postgres import start_postgres
from worklist.app import create_app
from worklist.ready import make_ready

Cost = dict[str, float]
"""`median_ms` and `p95_ms` that passed, `processor_ms` on average, and see `cost`."""
Used = Callable[[], float]  # seconds of processor time that went by
Asked = Callable[[str, Path, Used], Coroutine[Any, Any, dict[str, Cost]]]
_ORIGIN = "http://127.0.0.1:8470"


async def cost(
    ask: Callable[[], Awaitable[object]], runs: int, used_s: Used, *, of_each: bool = False
) -> Cost:
    """Ask so many times, after twice to warm up.

    Parameters
    ----------
    of_each : also give the processor time of the dearest request, `processor_most_ms`; only where
        `used_s` itself costs nothing
    """
    for _ in range(2):
        await ask()
    taken, used, before_s = [], [], used_s()
    for _ in range(runs):
        began, since_s = time.perf_counter(), used_s() if of_each else 0.0
        await ask()
        taken.append(1000 * (time.perf_counter() - began))
        used.append(1000 * (used_s() - since_s) if of_each else 0.0)
    found = {
        "median_ms": statistics.median(taken),
        "p95_ms": statistics.quantiles(taken, n=20)[-1],
        "processor_ms": 1000 * (used_s() - before_s) / runs,
    }
    return {**found, "processor_most_ms": max(used)} if of_each else found


def measure_in_both(
    console: Console, folder: Path, *, studies: int, runs: int, said: str, ask: Asked
) -> dict[str, Any]:
    """Ask the same of a page over either database, one after the other.

    Parameters
    ----------
    said : what is written first, for the person who waits
    ask : given the address of an empty database, a folder and the seconds of processor time that
        went by, fills it and gives the cost of each question
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    measured: dict[str, Any] = {"studies": studies, "runs": runs, "load": {}, "questions": {}}
    for name, database in DATABASES.items():
        with database(folder) as (url, used_s):
            console.print(f"Writing {said} into {name}")
            measured["questions"][name] = asyncio.run(ask(url, folder, used_s))
            measured["load"][name] = os.getloadavg()[0]
    shutil.rmtree(folder, ignore_errors=True)
    return measured


async def page_cost(
    page: httpx.AsyncClient,
    address: str,
    runs: int,
    used_s: Used,
    *,
    of_each: bool = False,
    answered: Collection[int] = (200,),
) -> Cost:
    """Ask for an address; it must be answered with 200, or what else is `answered`."""

    async def ask() -> None:
        answer = await page.get(address)
        assert answer.status_code in answered, address

    return await cost(ask, runs, used_s, of_each=of_each)


def open_page(
    engine: Engine, url: str, folder: Path, order: WorklistOrder | None = None
) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """The page as a browser on this machine sees it, ready as one that serves a site."""
    settings = Settings(
        data_folder=folder,
        database_url=SecretStr(url),
        worklist_order=order or WorklistOrder(),
        worklist_list=WorklistList(patient_names=True),  # the worst case
    )
    transport = httpx.ASGITransport(create_app(settings, engine))
    make_ready()
    return httpx.AsyncClient(transport=transport, base_url=_ORIGIN)


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, Used]]:
    yield f"sqlite:///{folder / 'worklist.sqlite'}", time.process_time


@contextmanager
def _postgresql(_folder: Path) -> Iterator[tuple[str, Used]]:
    server = start_postgres()
    data = str(server.folder)
    (main_process,) = (
        process
        for process in psutil.process_iter(["cmdline"])
        if f"{data}/data" in (process.info["cmdline"] or ())  # of a zombie there is none
    )

    def used_s() -> float:
        of_server = (
            one.cpu_times() for one in (main_process, *main_process.children(recursive=True))
        )
        return time.process_time() + sum(one.user + one.system for one in of_server)

    try:
        yield server.new_database(), used_s
    finally:
        server.stop()


DATABASES = {"sqlite": _sqlite, "postgresql": _postgresql}
"""Each starts an empty database in a folder, and gives its URL and the time that it uses."""
