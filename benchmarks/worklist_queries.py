"""The worklist page with 100,000 studies: how long the server takes for each kind of question.

Each question is asked of the application itself, as a browser would: routes, queries, templates;
no network. SQLite is one file, PostgreSQL a server with its defaults on the same machine. Beside
the time that passed stands the processor time that the application and the database server took:
on a machine that does other work too, it is the figure that says something about us.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import psutil
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.worklist_rows import RARE_SCANNER, fill_hospital
from database.list_order import LANES, due_at
from database.schema import upgrade_schema
from database.session import Engine, open_engine, reading
from database.worklist_facts import Position
from database.worklist_rows import change_token, rank_counts, state_counts
from settings.environment import Settings
from settings.worklist_order import WorklistOrder
from tests.peers.postgres import start_postgres
from worklist.app import create_app
from worklist.list_query import position_text

LIMIT_MS = 100.0
Cost = dict[str, float]  # "p95_ms" that passed, and "processor_ms" on average
_DAYS = 60
_ORIGIN = "http://127.0.0.1:8470"


def measure_worklist(console: Console, folder: Path, *, studies: int, runs: int) -> dict[str, Any]:
    """Fill both databases and ask each question `runs` times, after twice to warm up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    measured: dict[str, Any] = {"studies": studies, "runs": runs, "load": {}, "questions": {}}
    for name, database in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        with database(folder) as (url, used_s):
            console.print(f"Writing {studies} studies into {name}")
            asked = _measure(url, folder, studies, runs, used_s)
            measured["questions"][name] = asyncio.run(asked)
            measured["load"][name] = os.getloadavg()[0]
    _print(console, measured)
    shutil.rmtree(folder, ignore_errors=True)
    return measured


async def _measure(
    url: str, folder: Path, studies: int, runs: int, used_s: Callable[[], float]
) -> dict[str, Cost]:
    now = datetime.now(UTC)
    engine = open_engine(url)
    upgrade_schema(engine)
    fill_hospital(engine, studies, days=_DAYS, now=now)
    order = WorklistOrder(listed_days=10 * _DAYS)  # every study is listed: the worst case
    settings = Settings(data_folder=folder, database_url=SecretStr(url), worklist_order=order)
    app = create_app(settings, engine)
    transport = httpx.ASGITransport(app)
    costs: dict[str, Cost] = {}
    async with httpx.AsyncClient(transport=transport, base_url=_ORIGIN) as page:
        for name, address in _addresses(studies, order, now).items():

            async def ask(address: str = address) -> None:
                answer = await page.get(address)
                assert answer.status_code == 200, address

            costs[name] = await _cost(ask, runs, used_s)
        first = await page.get("/")
        following = re.search(r'rel="next" href="([^"]+)"', first.text)
        assert following is not None

        async def next_page(address: str = unescape(following[1])) -> None:
            await page.get(address)

        costs["second page"] = await _cost(next_page, runs, used_s)
    for name, query in (
        ("counts of the tabs", rank_counts),
        ("counts of the states", state_counts),
        ("what the live page looks at twice a second", change_token),
    ):
        costs[name] = await _cost(_asking(engine, query), runs, used_s)
    engine.dispose()
    return costs


def _addresses(studies: int, order: WorklistOrder, now: datetime) -> dict[str, str]:
    last = max(due_at(lane, now, order) for lane in LANES) - timedelta(hours=12)
    yesterday = (now - timedelta(days=1)).date()
    return {
        "list": "/",
        "last page": f"/?after={position_text(Position(last, studies))}",
        "urgent": "/?show=urgent",
        "routine": "/?show=routine",
        "not opened": "/?opened=no",
        "opened": "/?opened=yes",
        "readers disagreed": "/?feedback=disagreed",
        "not judged": "/?feedback=none",
        "readers disagreed, and sex": "/?feedback=disagreed&sex=F",
        "one day": f"/?came={yesterday}",
        "type": "/?type=viral_suspected",
        "state, many": "/?state=delivered",
        "state, few": "/?state=queued",
        "sex": "/?sex=F",
        "age": "/?age=0-17",
        "scanner, many": "/?scanner=CT-ED",
        "scanner, few": f"/?scanner={RARE_SCANNER}",
        "type, sex, age, not opened": "/?type=undetermined&sex=F&age=65%2B&opened=no",
        "scanner, few, and age": f"/?scanner={RARE_SCANNER}&age=40-64",
        "search, whole accession number": f"/?q=A{studies // 2:09}",
        "search, its beginning": f"/?q=A{studies // 2:09}"[:-2],
        "search, one letter": "/?q=A",
        "search, patient ID": f"/?q={(77 * 7919) % 10_000_000:08}",
        "search, nothing": "/?q=no-such",
    }


def _asking(engine: Engine, query: Callable[[Any], object]) -> Callable[[], Any]:
    async def ask() -> None:
        with reading(engine) as session:
            query(session)

    return ask


async def _cost(ask: Callable[[], Any], runs: int, used_s: Callable[[], float]) -> Cost:
    for _ in range(2):
        await ask()
    taken, before_s = [], used_s()
    for _ in range(runs):
        began = time.perf_counter()
        await ask()
        taken.append(1000 * (time.perf_counter() - began))
    return {
        "p95_ms": statistics.quantiles(taken, n=20)[-1],
        "processor_ms": 1000 * (used_s() - before_s) / runs,
    }


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    yield f"sqlite:///{folder / 'worklist.sqlite'}", time.process_time


@contextmanager
def _postgresql(_folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    server = start_postgres()
    data = str(server.folder)
    (own,) = (
        one for one in psutil.process_iter(["cmdline"]) if f"{data}/data" in one.info["cmdline"]
    )

    def used_s() -> float:
        of_server = (one.cpu_times() for one in (own, *own.children(recursive=True)))
        return time.process_time() + sum(one.user + one.system for one in of_server)

    try:
        yield server.new_database(), used_s
    finally:
        server.stop()


def _print(console: Console, measured: dict[str, Any]) -> None:
    databases = measured["questions"]
    table = Table("Question", *(f"{name}, ms: p95, processor" for name in databases))
    for question in next(iter(databases.values())):
        costs = [of_database[question] for of_database in databases.values()]
        table.add_row(
            question,
            *(
                f"{one['p95_ms']:.0f}{' (!)' if one['p95_ms'] > LIMIT_MS else ''},"
                f" {one['processor_ms']:.0f}"
                for one in costs
            ),
        )
    console.print(table)
    console.print(f"Load of the machine: {measured['load']}")
