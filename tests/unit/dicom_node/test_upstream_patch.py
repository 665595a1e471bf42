"""The patch that waits for pynetdicom applies to the release that is pinned, and it works there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pynetdicom
import pytest

from tests.peers.programs import REPOSITORY

PATCHES = sorted((REPOSITORY / "docs/upstream").glob("pynetdicom-*.patch"))

# A sender and a receiver of the library itself: 300 kB come as they were sent, and the end is heard
_CONVERSATION = """
import socket
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian
from pynetdicom import AE, evt
import pynetdicom

received = []
entity = AE("PATCHED")
entity.add_supported_context(CTImageStorage)
entity.add_requested_context(CTImageStorage)
server = entity.start_server(
    ("127.0.0.1", 0), block=False,
    evt_handlers=[(evt.EVT_C_STORE, lambda event: received.append(event.dataset.PixelData) or 0)],
)
sent = Dataset()
sent.SOPClassUID, sent.SOPInstanceUID = CTImageStorage, "2.25.1"
sent.add_new(0x7FE00010, "OW", bytes(range(250)) * 1200)
sent.file_meta = FileMetaDataset()
sent.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
association = entity.associate("127.0.0.1", server.server_address[1])
assert association.send_c_store(sent).Status == 0
association.release()
server.shutdown()
assert received == [sent.PixelData]
print(pynetdicom.__file__)
"""


def test_there_is_one() -> None:
    """The others have something to run on."""
    assert PATCHES


@pytest.mark.parametrize("patch", PATCHES, ids=lambda one: one.name)
def test_the_patch_applies_to_the_pinned_release(patch: Path, tmp_path: Path) -> None:
    """And the patched library sends and receives as the release does."""
    assert f"-{version('pynetdicom')}-" in patch.name
    library = Path(pynetdicom.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "tests")
    shutil.copytree(library, tmp_path / "pynetdicom", ignore=ignored)
    subprocess.run(["git", "apply", "-p1", patch], cwd=tmp_path, check=True)
    said = subprocess.run(
        [sys.executable, "-c", _CONVERSATION],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert Path(said.strip()) == tmp_path / "pynetdicom" / "__init__.py"
    assert (tmp_path / "pynetdicom/dul.py").read_bytes() != (library / "dul.py").read_bytes()
