"""The same lungs then and now, and a PACS that is empty after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phantom import TYPICAL_LESIONS, Phantom
from tests.builders.chest.chest_pairs import scan
from tests.peers.dicom.orthanc import OrthancPeer


@pytest.fixture(scope="module")
def then() -> Phantom:
    return scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=4.5)


@pytest.fixture(scope="module")
def now() -> Phantom:
    return scan(lesions=TYPICAL_LESIONS, spacing_mm=4.5)


@pytest.fixture
def archive(orthanc: OrthancPeer) -> Iterator[OrthancPeer]:
    yield orthanc
    orthanc.forget_all()
