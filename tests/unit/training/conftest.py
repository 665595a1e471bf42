"""A base of schema 3 for every test that only reads it: its export takes a while."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def chest_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sealed chest bundle of schema 3 whose networks are not trained."""
    from tests.unit.training.chest_bundle import write_chest_bundle

    return write_chest_bundle(tmp_path_factory.mktemp("base"))
