"""One server that holds the study for both viewers: a result with slices, and DICOMweb for OHIF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from settings.environment import Settings
from settings.page.sign_in import Role, SignIn
from settings.page.study_page import StudyPageSettings
from tests.builders.chest.analysed_phantom import analysed_phantom
from tests.builders.stored.held_study import hold_files
from tests.builders.stored.readers import signed_in_reader
from tests.peers.page.ohif import DIST
from tests.peers.page.running_page import RunningPage
from tests.peers.ports import free_port
from tests.unit.worklist.seeding import START, open_hospital
from tests.unit.worklist.study.seeded_slices import study_with_slices
from worklist.app import create_app
from worklist.ohif.installed import OHIF, START_PAGE

READER = "reader"


class OhifNotInstalled(RuntimeError):
    """There is nothing to compare with."""


@dataclass(frozen=True)
class Served:
    """A page that shows one chest in both viewers.

    Attributes
    ----------
    address : of the page, without a closing slash
    ours, ohif : where each viewer shows the study, from the root
    """

    address: str
    ours: str
    ohif: str


@contextmanager
def served_study(console: Console, folder: Path, slices: int) -> Iterator[Served]:
    """Make a study of so many slices of 512 x 512 with findings, and serve it.

    Raises
    ------
    OhifNotInstalled
        Its built package does not lie in build/.
    """
    if not (DIST / START_PAGE).is_file():
        raise OhifNotInstalled("OHIF is not installed: run make viewer (it needs npm)")
    console.print(f"Making a study of {slices} slices with findings")
    study = analysed_phantom("positive", folder / "source", shape=(slices, 512, 512))
    settings = Settings(
        data_folder=folder,
        worklist_port=free_port(),
        min_free_bytes=0,
        sign_in=SignIn(idle_minutes=60, longest_hours=24),
        study_page=StudyPageSettings(ohif_folder=DIST),
    )
    console.print("Keeping its slices for the page, and its instances for DICOMweb")
    hospital = open_hospital(folder, START)
    signed_in_reader(hospital.engine, READER, Role.READER)
    kept = study_with_slices(hospital, shown=study.context)
    held = hold_files(settings, hospital.engine, study.files)
    page = RunningPage(create_app(settings, hospital.engine), settings)
    page.start()
    try:
        yield Served(
            page.address, f"/studies/{kept.uid}", f"{OHIF}/viewer?StudyInstanceUIDs={held}"
        )
    finally:
        page.stop()
        hospital.engine.dispose()
