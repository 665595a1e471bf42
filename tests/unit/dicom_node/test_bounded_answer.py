"""What a DICOMweb service may answer, and how long it may take over it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dicom_node.request.read_back import SentObject
from dicom_node.request.stow import store_instances
from dicom_node.request.web_read_back import web_clock, web_read_back
from dicom_node.work_items.web import WebService, WorkItemWeb
from radiology.errors import PeerUnreachable
from settings.peers import Peer
from tests.peers.hostile_service import HOSTILE_ANSWERS, hostile_service
from tests.unit.dicom_node.small_ct import small_ct, write

_SECONDS = 0.5


def web_peer(url: str) -> Peer:
    """A destination with a DICOMweb service."""
    return Peer.model_validate(
        {"name": "web", "ae_title": "WEB", "roles": ["destination"], "stow_url": url}
    )


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_a_service_does_not_hold_up_deliveries(
    answer: Callable[[], Iterable[bytes]], tmp_path: Path
) -> None:
    """The delivery is tried again later, as where the service had broken off itself."""
    path = write(small_ct(), tmp_path)
    began = time.monotonic()
    with hostile_service(answer) as (url, sent), pytest.raises(PeerUnreachable):
        store_instances([path], web_peer(url), None, timeout_s=_SECONDS)
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_nor_does_a_service_of_work_items(answer: Callable[[], Iterable[bytes]]) -> None:
    """It is asked in the same way."""
    began = time.monotonic()
    with hostile_service(answer) as (url, sent):
        service = WebService(url=url, user=None, secret=None, ca_file=None)
        with pytest.raises(PeerUnreachable):
            WorkItemWeb(service, timeout_s=_SECONDS).state_of("2.25.1")
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda peer: web_clock(peer, None, timeout_s=_SECONDS),
        lambda peer: web_read_back(
            peer,
            [SentObject("1.2.3", "1.2.4", "1.2.5", "1.2.6", "1.2.7")],
            None,
            timeout_s=_SECONDS,
        ),
    ],
    ids=["clock", "read back"],
)
def test_nor_is_the_doctor_held_up(
    ask: Callable[[Peer], object], answer: Callable[[], Iterable[bytes]]
) -> None:
    """What was stored is looked for within the same limits."""
    began = time.monotonic()
    with hostile_service(answer) as (url, sent), pytest.raises(PeerUnreachable):
        ask(web_peer(url))
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000
