"""Uploads through a running Firstread: every hostile file has its reason, and the page answers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.builders.dicom.study_folder import by_position
from tests.builders.hostile_uploads import HOSTILE, ONLY_ALONE
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.waiting import wait_until
from tests.unit.worklist.access.visitor import readable

pytestmark = pytest.mark.integration

_REFUSED_LIMIT_S = 300.0
_ANSWER_LIMIT_S = 5.0  # of any other page meanwhile, on two cores that do everything else too
_OWN_FORM = {"Sec-Fetch-Site": "same-origin"}


@contextmanager
def answering_meanwhile(client: httpx.Client) -> Iterator[list[float]]:
    """Ask for the list again and again; gives how long each answer took, in seconds."""
    client.get("/").raise_for_status()  # the first one after a start, while every part starts
    took: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.2):
            begun = time.monotonic()
            client.get("/").raise_for_status()
            took.append(time.monotonic() - begun)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def upload(client: httpx.Client, contents: list[bytes]) -> str:
    """Send files in one form; gives the address of their answer."""
    files = [("files", ("x", content)) for content in contents]
    answer = client.post("/uploads", files=files, headers=_OWN_FORM)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def ended(client: httpx.Client, address: str) -> str | None:
    """The page of an upload once that has come to an end."""
    html = client.get(address).raise_for_status().text
    return None if re.search(r'<h1>\s*<span class="verdict pending', html) else html


def wait_for_end(client: httpx.Client, address: str) -> str:
    """The page of an upload at its end."""
    html = wait_until(
        lambda: ended(client, address), what=f"the end of {address}", limit_s=_REFUSED_LIMIT_S
    )
    assert html is not None
    return html


def reasons_of(html: str) -> dict[str, str]:
    """Why each file was not read, by the number of the file or of the archive that it was in."""
    rows = re.findall(
        r'data-number="(\d+)[.\d]*">.*?<span class="reason">(.*?)</span>', html, re.DOTALL
    )
    return {number: unescape(reason) for number, reason in rows}


@pytest.mark.timeout(400)
def test_every_file_of_a_hostile_folder(
    tmp_path: Path, orthanc: OrthancPeer, shared_ct: Path
) -> None:
    """Each has its reason; the list answers all the while; no part of Firstread dies of it."""
    slices = by_position(shared_ct / "covid-P001")
    slice_of_a_chest = slices[len(slices) // 3].read_bytes()
    with (
        running_embedded(tmp_path, pacs=orthanc, settings={"MIN_FREE_BYTES": "0"}) as firstread,
        httpx.Client(base_url=firstread.worklist_url, timeout=60.0) as client,
        answering_meanwhile(client) as took,
    ):
        folder = upload(client, [make() for make, _ in HOSTILE.values()])
        alone = {name: upload(client, [make()]) for name, (make, _) in ONLY_ALONE.items()}
        reasons = reasons_of(wait_for_end(client, folder))
        for number, (name, (_, reason)) in enumerate(HOSTILE.items(), start=1):
            assert reason in reasons[str(number)], f"{name}: {reasons[str(number)]}"
        for name, address in alone.items():
            text = readable(wait_for_end(client, address))
            assert "Refused" in text, f"{name}: {text}"
            assert ONLY_ALONE[name][1] in text, f"{name}: {text}"
        assert_still_works(client, slice_of_a_chest)
        assert_workers_live(firstread)
    assert len(took) > 10
    assert max(took) < _ANSWER_LIMIT_S, f"the list took {max(took):.1f} s"


def assert_still_works(client: httpx.Client, content: bytes) -> None:
    """A slice of a chest is answered, and the administrator sees every process."""
    text = readable(wait_for_end(client, upload(client, [content])))
    assert "of the lung in this slice" in text, text
    processes = readable(client.get("/administration").text).split("Processes", 1)[1]
    for part in ("analysis", "delivery", "housekeeping", "node", "worklist"):
        assert part in processes


def assert_workers_live(firstread: Embedded) -> None:
    """No part of Firstread has died, and what has ended by itself has not stayed as a zombie."""
    assert "part_died" not in firstread.process.log_tail(100_000)
    assert firstread.processes_of("looking") == []
