"""A bundle may name Python that adds what declarations cannot say; rules may name its values."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

import models.declared_bundle
import models.entry_point
from models.declared_bundle import read_declared_bundle
from models.entry_point import Addition, SeenVolume
from models.read_volume import JudgedReading, read_volume
from models.run.declared_network import load_networks
from radiology.algorithm import ExecutionProvider
from radiology.answer.statement import Statement
from radiology.clinical import ClinicalValues
from radiology.codes import COMMENT
from radiology.errors import BundleRejected
from radiology.image.volume import Volume
from radiology.urgency import Urgency
from tests.builders.declared import patch_segmenter
from tests.builders.declared.write import declare_files


def double(seen: SeenVolume) -> Addition:
    """Twice the dense volume, and a sentence about it."""
    doubled = 2.0 * (seen.values["dense_ml"] or 0.0)
    words = f"{seen.parameters['words']}: {doubled:.2f}"
    return Addition({"doubled_ml": doubled}, statements=(Statement(COMMENT, words),))


def urea(seen: SeenVolume) -> Addition:
    """What was given of the patient beside the images."""
    return Addition({"doubled_ml": seen.given.urea_mmol_l})


def nothing(seen: SeenVolume) -> Addition:
    """Less than what the bundle declares."""
    return Addition()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The segmenter with an entry point that is installed here."""
    installed = EntryPoints(
        EntryPoint(name, f"{__name__}:{name}", "firstread.readings")
        for name in ("double", "urea", "nothing", "absent")
    )

    def find(**wanted: Any) -> EntryPoints:
        return installed.select(**wanted)

    monkeypatch.setattr(models.declared_bundle, "entry_points", find)
    monkeypatch.setattr(models.entry_point, "entry_points", find)
    return patch_segmenter.write_patch_segmenter(tmp_path)


def _read(
    folder: Path, name: str, head: Volume, given: ClinicalValues | None = None
) -> JudgedReading:
    values = patch_segmenter.declaration()
    values["reading"] = {
        "entry_point": name,
        "values": ["doubled_ml"],
        "parameters": {"words": "Twice the volume"},
    }
    values["urgency"][0]["value"] = "doubled_ml"
    declare_files(folder, values)
    bundle = read_declared_bundle(folder)
    networks = load_networks(bundle, provider=ExecutionProvider.CPU)
    return read_volume(head, bundle, networks, given=given)


def test_rules_may_name_what_the_entry_point_measured(folder: Path, head: Volume) -> None:
    judged = _read(folder, "double", head)
    assert judged.triage is not None
    assert (judged.triage.urgency, judged.triage.seen) == (Urgency.URGENT, "doubled ml 3.576")
    assert judged.reading.statements[-1].answer == "Twice the volume: 3.58"


def test_clinical_values_that_were_given_are_told(folder: Path, head: Volume) -> None:
    judged = _read(folder, "urea", head, ClinicalValues(urea_mmol_l=9.5))
    assert judged.values["doubled_ml"] == 9.5
    assert _read(folder, "urea", head).values["doubled_ml"] is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", "gives other values"),
        ("absent", "cannot be imported"),
        ("doubel", 'Did you mean "double"'),
    ],
)
def test_entry_point_that_does_not_do_what_is_declared_is_refused(
    folder: Path, head: Volume, name: str, reason: str
) -> None:
    with pytest.raises(BundleRejected, match=reason):
        _read(folder, name, head)
