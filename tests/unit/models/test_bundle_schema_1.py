"""A bundle of schema 1, as 1.0.0 was released, still reads. To be deleted with that bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.bundle import read_bundle
from models.onnx_session import check_networks
from radiology.case_answer import CaseRule
from radiology.errors import BundleRejected
from tests.unit.models.conftest import BUNDLES

RELEASED = BUNDLES / "chest-ct-pneumonia" / "1.0.0"
pytestmark = pytest.mark.skipif(not RELEASED.is_dir(), reason="1.0.0 is no longer shipped")


def test_it_has_one_network_and_no_classifier() -> None:
    bundle = read_bundle(RELEASED)
    assert bundle.networks.segmentation.float32.name == "network.onnx"
    assert bundle.classification is None
    assert bundle.case.rule is CaseRule.LESION_SHARE
    check_networks(bundle)


def test_its_network_must_be_listed(tmp_path: Path) -> None:
    folder = tmp_path / RELEASED.parent.name / RELEASED.name
    shutil.copytree(RELEASED, folder)
    declaration = folder / "bundle.toml"
    text = declaration.read_text(encoding="utf-8")
    declaration.write_text(text.replace('network = "network.onnx"', 'network = "other.onnx"'))
    with pytest.raises(BundleRejected, match="not among the listed"):
        read_bundle(folder)
