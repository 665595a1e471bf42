"""`firstread models compare`: a bundle and a candidate read each study, and a page shows both."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstread.models.compare_models import compare_models
from models.candidates import candidates_folder
from phantom import Phantom
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings
from tests.builders.bundles import NAME, write_bundle


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("bundles")
    write_bundle(folder, version="2.0.0")
    write_bundle(candidates_folder(folder), version="2.1.0")
    return Settings(
        execution_provider=ExecutionProvider.CPU, inference_threads=1, bundles_folder=folder
    )


def test_both_answers_to_a_study_and_none_to_what_is_none(
    settings: Settings, phantom: Phantom, tmp_path: Path
) -> None:
    study, empty = tmp_path / "study", tmp_path / "empty"
    write_phantom_study(phantom, study)
    empty.mkdir()
    report = tmp_path / "page.html"
    found = compare_models(settings, f"{NAME}/2.0.0", f"{NAME}/2.1.0", [study, empty], report)
    assert (found["old"]["bundle"], found["new"]["bundle"]) == (f"{NAME}/2.0.0", f"{NAME}/2.1.0")
    first, second = found["studies"]
    assert first["old"]["outcome"] == first["new"]["outcome"]
    assert "error" in second["old"]
    page = report.read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 2
    assert "Both:" in page
    assert second["old"]["error"]["kind"] in page


def test_a_bundle_that_is_not_there_and_a_page_that_cannot_be_written_are_said(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(BundleRejected, match=r"no bundle .*/9\.0\.0"):
        compare_models(settings, f"{NAME}/2.0.0", f"{NAME}/9.0.0", [], tmp_path / "page.html")
    with pytest.raises(SettingsRefused, match="cannot be written"):
        compare_models(settings, f"{NAME}/2.0.0", f"{NAME}/2.1.0", [], tmp_path / "no" / "page")
