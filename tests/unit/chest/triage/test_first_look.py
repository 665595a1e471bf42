"""A first look against the full reading: it orders phantoms and real studies alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread

from chest.reader import Reader
from models.catalogue import read_catalogue
from models.readers.study_reader import FirstLook
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS, TYPICAL_LESIONS, Lesion
from phantom.study import write_phantom_study
from settings.environment import read_settings
from settings.peers import RequestPriority
from worker.infer.thin_volume import SLICES, thin_volume
from worker.look_first import like_priority
from worker.series.read_series import read_series
from worker.series.select_series import select_series

Look = Callable[[Path], FirstLook]


@pytest.fixture(scope="module")
def look() -> Look:
    """Give a function that looks at a folder with one study, with the bundle on disk."""
    settings = read_settings()
    bundle = read_catalogue(settings.bundles_folder).newest(settings.first_bundle)
    reader = Reader.of(bundle)

    def at(folder: Path) -> FirstLook:
        files = {
            str(dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID): path
            for path in folder.iterdir()
        }
        series = select_series(read_series(files.values())).require()
        found = reader.look(lambda: thin_volume(series, files))
        assert found is not None
        return found

    return at


@pytest.mark.parametrize(
    ("lesions", "priority"),
    [
        (EXTENSIVE_LESIONS, RequestPriority.STAT),
        (TYPICAL_LESIONS, RequestPriority.HIGH),
        ((), None),
    ],
    ids=["extensive", "typical", "healthy"],
)
def test_phantoms_are_told_apart(
    look: Look, tmp_path: Path, lesions: tuple[Lesion, ...], priority: RequestPriority | None
) -> None:
    """What the full reading calls urgent waits like STAT, what it suspects like HIGH."""
    phantom = make_phantom(grid=phantom_grid((60, 128, 128), (5.0, 2.8, 2.8)), lesions=lesions)
    write_phantom_study(phantom, tmp_path, identity=StudyIdentity.of(phantom))
    seen = look(tmp_path)
    assert seen.facts["slices"] == SLICES
    assert like_priority(seen) is priority


@pytest.mark.parametrize(
    ("name", "priority"), [("covid-P001", RequestPriority.HIGH), ("normal-001", None)]
)
def test_real_studies_are_told_apart(
    look: Look, shared_ct: Path, name: str, priority: RequestPriority | None
) -> None:
    """A pneumonia goes before a healthy chest."""
    assert like_priority(look(shared_ct / name)) is priority
