"""What a DICOMweb service may answer, and how long it may take over it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dicom_node.request.stow import store_instances
from dicom_node.work_items.web import WebService, WorkItemWeb
from radiology.errors import PeerUnreachable
from settings.peers import Peer
from tests.peers.hostile_service import (
    endless,
    hostile_service,
    packed,
    trickling,
    trickling_headers,
)
from tests.unit.dicom_node.small_ct import small_ct, write

_SECONDS = 0.5


@pytest.mark.parametrize("answer", [endless, trickling, trickling_headers, packed])
def test_a_service_does_not_hold_up_deliveries(
    answer: Callable[[], Iterable[bytes]], tmp_path: Path
) -> None:
    """The delivery is tried again later, as where the service had broken off itself."""
    path = write(small_ct(), tmp_path)
    began = time.monotonic()
    with hostile_service(answer) as (url, sent):
        peer = Peer.model_validate(
            {"name": "web", "ae_title": "WEB", "roles": ["destination"], "stow_url": url}
        )
        with pytest.raises(PeerUnreachable):
            store_instances([path], peer, None, timeout_s=_SECONDS)
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_nor_does_a_service_of_work_items() -> None:
    """It is asked in the same way."""
    with hostile_service(endless) as (url, sent):
        service = WebService(url=url, user=None, secret=None, ca_file=None)
        with pytest.raises(PeerUnreachable):
            WorkItemWeb(service, timeout_s=_SECONDS).state_of("2.25.1")
    assert sent[0] < 20_000_000
