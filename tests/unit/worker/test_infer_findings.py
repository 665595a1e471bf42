"""What a worker's reader takes from bundle and headers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import read_bundle
from settings.environment import ExecutionProvider, read_settings
from tests.builders.bundles import write_bundle
from tests.builders.headers import series_header, with_frame
from worker.infer_findings import Reader, acquisition_of


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundles")
    write_bundle(root)
    return root


def test_reader_loads_the_classifier_with_the_bundle(bundles: Path, tmp_path: Path) -> None:
    settings = read_settings(
        bundles_folder=bundles,
        data_folder=tmp_path,
        execution_provider=ExecutionProvider.CPU,
        inference_threads=1,
    )
    reader = Reader.from_settings(settings)
    assert reader.classifier is not None
    assert reader.bundle.digest == read_bundle(reader.bundle.folder).digest
    reader.warm_up()


def test_gates_hear_of_age_and_of_the_usual_thickness() -> None:
    series = replace(
        with_frame(series_header(slices=5), 0, slice_thickness=9.0), patient_age_years=61.0
    )
    acquisition = acquisition_of(series)
    assert acquisition.patient_age_years == 61.0
    assert acquisition.slice_thickness_mm == 2.0


def test_what_headers_do_not_say_is_not_known() -> None:
    acquisition = acquisition_of(series_header(slices=3, slice_thickness=None))
    assert acquisition.patient_age_years is None
    assert acquisition.slice_thickness_mm is None
