"""Every bundle on disk is whole and answers as it did when it was released."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.catalogue import read_catalogue
from models.declared.network_files import Precision
from models.declared_bundle import DeclaredBundle, read_declared_bundle, schema_of
from models.release.golden_answers import check_declared_golden
from models.schema_2.bundle import SCHEMA, Bundle, read_bundle
from models.schema_2.golden import check_golden
from tests.peers.programs import REPOSITORY

BUNDLES = REPOSITORY / "models" / "bundles"
ON_DISK = sorted(path.parent for path in BUNDLES.glob("*/*/bundle.toml"))


def _read(folder: Path) -> Bundle | DeclaredBundle:
    return read_bundle(folder) if schema_of(folder) == SCHEMA else read_declared_bundle(folder)


def test_there_is_a_bundle_of_each_schema_and_none_is_refused() -> None:
    catalogue = read_catalogue(BUNDLES)
    assert catalogue.bundles
    assert catalogue.declared
    assert not catalogue.refused


@pytest.mark.parametrize("folder", ON_DISK, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_bundle_passes_its_golden_test(folder: Path) -> None:
    """Every network in every precision; float32 answers alike on any processor."""
    bundle = _read(folder)
    declared = isinstance(bundle, DeclaredBundle)
    found = check_declared_golden(bundle) if declared else check_golden(bundle)
    assert found[Precision.FLOAT32] <= 1e-3


@pytest.mark.parametrize("folder", ON_DISK, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_bundle_says_what_it_is_for_and_on_what_terms(folder: Path) -> None:
    bundle = _read(folder)
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert bundle.research_only
    assert "RESEARCH USE ONLY" in card
    assert any("non-commercial" in licence.licence for licence in bundle.licences)
    assert re.fullmatch(r"[0-9a-f]{64}", bundle.digest)
    assert bundle.algorithm.bundle_digest == bundle.digest


@pytest.mark.parametrize("folder", ON_DISK, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_bundle_names_no_path_of_the_machine_that_made_it(folder: Path) -> None:
    """Exporters like to note stack traces beside the network."""
    for path in folder.iterdir():
        assert not re.search(rb"[\w/]{4,}\.py\b|/(home|root|tmp|usr)/\w+/", path.read_bytes()), (
            path.name
        )
