"""What several integration tests start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hosts import Hosts, running_hosts
from tests.peers.seaweedfs import ObjectServer


@pytest.fixture
def hosts(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgres_url: str,
    redis_url: str,
    object_server: ObjectServer,
    orthanc: OrthancPeer,
) -> Iterator[Hosts]:
    """Hosts without a shared folder; the parameter says which parts of Firstread each has."""
    with running_hosts(
        request.param,
        tmp_path,
        postgres_url=postgres_url,
        redis_url=redis_url,
        object_server=object_server,
        orthanc=orthanc,
    ) as running:
        yield running
