"""A hospital's certificates, and a node that takes nothing but TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.tls.hospital import Hospital, SecuredNode, secured_node


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """Certificates of this run; tests that write over them take copies."""
    return Hospital.new(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def node(tmp_path: Path, hospital: Hospital) -> Iterator[SecuredNode]:
    """A node that knows two scanners, CT1 and CT2, each by its certificate."""
    with secured_node(tmp_path / "node", hospital) as running:
        yield running
