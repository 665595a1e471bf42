"""The peers that we are measured against are not slowed by Nagle's algorithm, at either end."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from firstread.demo.pacs import WITHOUT_NAGLE, Pacs, running_pacs
from tests.builders.dicom.ct_series import Stack, ramp, single_frame
from tests.peers.ports import free_port
from tests.peers.programs import require_program
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration
INSTANCES = 20
DELAYED_ACKNOWLEDGEMENT_S = 0.040  # of Linux: what Nagle's algorithm waits for, once an instance


@pytest.mark.timeout(120)
def test_orthanc_takes_instances_as_fast_as_they_come(tmp_path: Path) -> None:
    """With the algorithm at work no instance takes less than a delayed acknowledgement."""
    storescu = require_program("storescu", package="dcmtk")
    require_program("Orthanc", package="orthanc")
    one, many = _folder(tmp_path / "one", 1), _folder(tmp_path / "many", 1 + INSTANCES)
    with running_pacs(tmp_path / "pacs", our_ae_title="FIRSTREAD", our_port=free_port()) as pacs:
        assert pacs.name == "Orthanc"
        wait_until(lambda: _send(storescu, pacs, one) is not None, what="Orthanc to answer")
        # The least of several: other work on the machine makes it slower, and nothing faster.
        each_s = min(_sent_s(storescu, pacs, many) for _ in range(4)) - min(
            _sent_s(storescu, pacs, one) for _ in range(4)
        )
    assert each_s / INSTANCES < DELAYED_ACKNOWLEDGEMENT_S


def _folder(folder: Path, count: int) -> Path:
    """So many small slices: what Orthanc does with each must not hide what the network does."""
    folder.mkdir()
    stack = Stack(ramp((count, 128, 128)))
    for number, instance in enumerate(single_frame(stack)):
        instance.save_as(folder / f"{number:02}.dcm", enforce_file_format=True)
    return folder


def _sent_s(storescu: Path, pacs: Pacs, folder: Path) -> float:
    took = _send(storescu, pacs, folder)
    assert took is not None
    return took


def _send(storescu: Path, pacs: Pacs, folder: Path) -> float | None:
    """Seconds that it took; None where the peer does not take it."""
    began = time.monotonic()
    ended = subprocess.run(
        [storescu, "-aec", pacs.peer.ae_title, "+sd", "127.0.0.1", str(pacs.peer.port), folder],
        capture_output=True,
        env=os.environ | WITHOUT_NAGLE,
    )
    return time.monotonic() - began if ended.returncode == 0 else None
