"""What a worker's reader takes from bundle and headers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from chest.reader import Reader, acquisition_of
from chest.values.lobe import Lobe
from chest.values.other_disease import OtherDisease
from models.schema_2.bundle import read_bundle
from radiology.algorithm import ExecutionProvider
from radiology.image.volume import Volume
from radiology.sex import Sex
from tests.builders.bundles import write_bundle
from tests.builders.dicom.headers import series_header, with_frame


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    bundle = read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))
    return Reader.of(bundle, provider=ExecutionProvider.CPU, threads=1)


def test_reader_loads_the_classifier_with_the_bundle(reader: Reader) -> None:
    """And it is ready for the first study."""
    assert reader.model.classifier is not None
    assert reader.bundle.digest == read_bundle(reader.bundle.folder).digest
    reader.warm_up()


def _block_chest() -> Volume:
    """Two blocks of lung, haze in the right one, and no fissure anywhere."""
    hu = np.full((60, 140, 140), 40.0, dtype=np.float32)
    hu[8:52, 30:110, 20:60] = hu[8:52, 30:110, 80:120] = -850.0
    hu[12:24, 90:106, 26:50] = -550.0
    hu[20:60, 44:50, 67:73] = -1000.0  # the trachea
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = 3.0, 2.5, 2.5, 1.0
    return Volume(hu, affine)


def test_severity_is_stored_with_the_result_and_says_what_it_lacks(reader: Reader) -> None:
    """No fissure, no lobes, so no CT score; age and sex are those of the headers."""
    series = replace(
        series_header(slices=60, spacing_mm=3.0), patient_age_years=71.4, patient_sex=Sex.MALE
    )
    reading, _ = reader.read(_block_chest(), series=series)
    facts = json.loads(json.dumps(reading.facts()))
    assert not any(one["seen"] for one in facts["boundaries"])
    scores = {one["name"]: one for one in facts["severity"]["scores"]}
    assert scores["MosMed CT grade"]["label"] == "CT-1"
    assert scores["CT severity score"]["label"] == "not computed"
    assert len(scores["CT severity score"]["missing"]) == len(Lobe)
    assert "zones do not stand in for lobes" in scores["CT severity score"]["note"]
    given = {one["name"]: one["value"] for one in scores["4C Mortality Score"]["inputs"]}
    assert (given["age_years"], given["sex"]) == (71.0, "male")
    assert given["urea_mmol_l"] is None


def test_gates_hear_of_age_and_of_the_usual_thickness() -> None:
    series = replace(
        with_frame(series_header(slices=5), 0, slice_thickness=9.0), patient_age_years=61.0
    )
    acquisition = acquisition_of(series)
    assert acquisition.patient_age_years == 61.0
    assert acquisition.slice_thickness_mm == 2.0


def test_reservations_hear_of_how_the_patient_lies(reader: Reader) -> None:
    """Haze in one lung alone is never dependent; air in place of lung is measured anyway."""
    for stated in ("HFS", ""):
        series = replace(series_header(slices=60, spacing_mm=3.0), patient_position=stated)
        assert acquisition_of(series).patient_position == stated
        reading, _ = reader.read(_block_chest(), series=series)
        assert reading.other_disease == OtherDisease(0.0, None)


def test_severity_rules_hear_of_sex_and_of_the_moment() -> None:
    moment = datetime(2020, 3, 14, 12, tzinfo=UTC)
    series = replace(series_header(slices=3), patient_sex=Sex.FEMALE, acquired_at=moment)
    acquisition = acquisition_of(series)
    assert acquisition.patient_sex is Sex.FEMALE
    assert acquisition.acquired_at == moment


def test_what_headers_do_not_say_is_not_known() -> None:
    acquisition = acquisition_of(series_header(slices=3, slice_thickness=None))
    assert acquisition.patient_sex is None
    assert acquisition.acquired_at is None
    assert acquisition.patient_age_years is None
    assert acquisition.slice_thickness_mm is None
