"""A node that knows one scanner, for the tests that speak DICOM to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.dicom_node.running_node import RunningNode, running_node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node that knows one scanner, SCANNER."""
    with running_node(tmp_path / "node") as running:
        yield running
