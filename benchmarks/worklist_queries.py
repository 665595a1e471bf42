"""Measures how long the server takes for each kind of request of the list of a whole year.

How it is asked, and what is counted, is in `benchmarks.page_cost`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.page_cost import Cost, Used, cost, measure_in_both, open_page, page_cost
from benchmarks.worklist_rows import RARE_SCANNER, fill_hospital
from database.listed.sort_keys import Sorting, SortKey
from database.schema import upgrade_schema
from database.session import Engine, open_engine, query
from database.views.worklist.list_order import LANES, due_at
from database.views.worklist.list_search import find_studies
from database.views.worklist.worklist_facts import Position
from database.views.worklist.worklist_rows import change_token, rank_counts, state_counts
from radiology.identity import derived_uid
from settings.environment import Settings
from settings.page.worklist_order import WorklistOrder
from worklist.list.query import Show, position_text, sort_text
from worklist.metrics.scrape import Scrapes

LIMIT_MS = 100.0
_DAYS = 60


def measure_worklist(console: Console, folder: Path, *, studies: int, runs: int) -> dict[str, Any]:
    """Fill both databases and ask each question `runs` times, after twice to warm up."""
    measured = measure_in_both(
        console,
        folder,
        studies=studies,
        runs=runs,
        said=f"{studies} studies",
        ask=lambda url, data, used_s: _measure(url, data, studies, runs, used_s),
    )
    _print(console, measured)
    return measured


async def _measure(
    url: str, folder: Path, studies: int, runs: int, used_s: Used
) -> dict[str, Cost]:
    now = datetime.now(UTC)
    engine = open_engine(url)
    upgrade_schema(engine)
    fill_hospital(engine, studies, days=_DAYS, now=now)
    order = WorklistOrder(listed_days=10 * _DAYS)  # every study is listed: the worst case
    costs: dict[str, Cost] = {}
    async with open_page(engine, url, folder, order) as page:
        for name, address in _addresses(studies, order, now).items():
            costs[name] = await page_cost(page, address, runs, used_s)
        for name, address in (("second page", "/"), ("sorted, second page", "/?sort=accession")):
            costs[name] = await page_cost(page, await _following(page, address), runs, used_s)
    for name, asked in (
        ("search, a name", lambda session: find_studies(session, "delta tres", now, names=True)),
        ("counts of the tabs", rank_counts),
        ("counts of the states", state_counts),
        ("what the live page looks at twice a second", change_token),
    ):
        costs[name] = await cost(_asking(engine, asked), runs, used_s)
    costs["a scrape of the metrics"] = await cost(_scraping(engine, folder), runs, used_s)
    engine.dispose()
    return costs


async def _following(page: httpx.AsyncClient, address: str) -> str:
    """The address of the page after a page of the list."""
    answer = await page.get(address)
    following = re.search(r'rel="next" href="([^"]+)"', answer.text)
    assert following is not None, address
    return unescape(following[1])


def _addresses(studies: int, order: WorklistOrder, now: datetime) -> dict[str, str]:
    last = max(due_at(lane, now, order) for lane in LANES) - timedelta(hours=12)
    yesterday = (now - timedelta(days=1)).date()
    return {
        "list": "/",
        "last page": f"/?after={position_text(Position(last, studies))}",
        **{f"show {one.value}": f"/?show={one.value}" for one in Show},
        "not opened": "/?opened=no",
        "opened": "/?opened=yes",
        "readers disagreed": "/?feedback=disagreed",
        "not judged": "/?feedback=none",
        "readers disagreed, and sex": "/?feedback=disagreed&sex=F",
        "readers agreed": "/?feedback=agreed",
        "one day": f"/?came={yesterday}",
        "whenever it came": "/?came=ever",
        "label": "/?label=viral_suspected",
        "state, many": "/?state=delivered",
        "state, few": "/?state=queued",
        "sex": "/?sex=F",
        "age": "/?age=0-17",
        "scanner, many": "/?scanner=CT-ED",
        "scanner, few": f"/?scanner={RARE_SCANNER}",
        "label, sex, age, not opened": "/?label=undetermined&sex=F&age=65%2B&opened=no",
        "scanner, few, and age": f"/?scanner={RARE_SCANNER}&age=40-64",
        "search, whole accession number": f"/?q=a{studies // 2:09}",
        "search, its beginning": f"/?q=A{studies // 2:09}"[:-2],
        "search, a part in its middle": f"/?q={studies // 2:09}"[:-2],
        "search, one letter": "/?q=A",
        "search, a part of a UID": f"/?q={derived_uid('bench study', str(studies // 2))[-12:]}",
        "search, patient ID": f"/?q={(77 * 7919) % 10_000_000:08}",
        "search, nothing": "/?q=no-such",
        **{
            f"sorted by {key.value}": f"/?sort={sort_text(Sorting(key, down=True))}"
            for key in SortKey
        },
        "sorted by name, upwards": f"/?sort={sort_text(Sorting(SortKey.NAME))}",
        "sorted by suspicion, few": "/?sort=-suspicion&show=urgent&sex=F",
        "sorted by accession, last page": f"/?sort=accession&after={studies - 10}",
    }


def _asking(engine: Engine, asked: Callable[[Any], object]) -> Callable[[], Any]:
    async def ask() -> None:
        with query(engine) as session:
            asked(session)

    return ask


def _scraping(engine: Engine, folder: Path) -> Callable[[], Any]:
    moments = itertools.count(step=60)  # each scrape is asked anew
    settings = Settings(data_folder=folder)
    scrapes = Scrapes(settings, engine, lambda: datetime.now(UTC), lambda: next(moments))

    async def scrape() -> None:
        scrapes.text("")

    return scrape


def _print(console: Console, measured: dict[str, Any]) -> None:
    databases = measured["questions"]
    table = Table("Question", *(f"{name}, ms: p95, processor" for name in databases))
    for question in next(iter(databases.values())):
        costs = [of_database[question] for of_database in databases.values()]
        table.add_row(
            question,
            *(
                f"{figures['p95_ms']:.0f}{' (!)' if figures['p95_ms'] > LIMIT_MS else ''},"
                f" {figures['processor_ms']:.0f}"
                for figures in costs
            ),
        )
    console.print(table)
    console.print(f"Load of the machine: {measured['load']}")
