"""The page that benchmarks ask is a process of its own, and its processor time is its alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.page_process import page_of_its_own, processor_clock
from database.session import open_engine
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables

_BUSY = """
import sys, threading, time
def work():
    while time.thread_time() < 0.1:
        pass
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(flush=True)
sys.stdin.read()
"""


def test_the_clock_of_another_process() -> None:
    """It counts threads that have ended, and nothing of whoever looks."""
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        used_s = processor_clock(busy.pid)
        before_s, began_s = used_s(), time.process_time()
        while time.process_time() - began_s < 0.1:
            pass
        after_s = used_s()
        busy.communicate(b"")
    assert before_s > 0.1
    assert after_s - before_s < 0.05


def test_a_page_of_its_own(tmp_path: Path) -> None:
    """It answers for the database that it was given, and what it takes is seen. Takes 4 s."""
    settings = Settings(data_folder=tmp_path, database_url=None)
    engine = open_engine(settings.database_address)
    make_tables(engine)
    engine.dispose()

    async def ask() -> tuple[int, float]:
        async with page_of_its_own(settings, tmp_path) as (page, used_s):
            before_s = used_s()
            answer = await page.get("/administration")
            return answer.status_code, used_s() - before_s

    status, used_s = asyncio.run(ask())
    assert status == 200
    assert used_s > 0.002
