"""The phantom that the doctor sends: a small study of a patient that is plainly a test."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from models.catalogue import read_catalogue, reads_chests
from phantom import TYPICAL_LESIONS, make_phantom, phantom_grid
from phantom.head import QUICK_HEAD_GRID, head_grid, make_head_phantom, random_bleedings
from phantom.head.study import HeadIdentity, write_head_study
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.errors import BundleRejected
from settings.environment import Settings

PATIENT_NAME: Final = "TEST^FIRSTREAD DOCTOR"
_CHEST: Final = ((48, 128, 128), (6.0, 2.9, 2.9))
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class PhantomStudy:
    """What was written.

    Attributes
    ----------
    patient_id : begins with TEST; no other run has the same one
    """

    paths: tuple[Path, ...]
    study_instance_uid: str
    patient_id: str


def write_test_study(settings: Settings, folder: Path, moment: datetime) -> PhantomStudy:
    """Write a chest where a bundle in use reads chests, and otherwise a head; both with a finding.

    Parameters
    ----------
    moment : when it "was scanned"
    """
    salt = secrets.token_hex(4).upper()
    names = {
        "patient_id": f"TEST-FIRSTREAD-{salt}",
        "patient_name": PATIENT_NAME,
        "accession_number": f"TEST-{salt}",
        "moment": moment,
    }
    if _is_for_chests(settings):
        identity = StudyIdentity(key=f"doctor {salt}", **names)  # type: ignore[arg-type]
        chest = make_phantom(grid=phantom_grid(*_CHEST), seed=_SEED, lesions=TYPICAL_LESIONS)
        paths = write_phantom_study(chest, folder, identity=identity)
    else:
        identity = HeadIdentity(key=f"doctor {salt}", **names)  # type: ignore[arg-type]
        head = make_head_phantom(
            grid=head_grid(*QUICK_HEAD_GRID), seed=_SEED, bleedings=random_bleedings(_SEED)
        )
        paths = write_head_study(head, folder, identity=identity)
    return PhantomStudy(paths, identity.uid("study"), identity.patient_id)


def _is_for_chests(settings: Settings) -> bool:
    catalogue = read_catalogue(settings.bundles_folder, settings.bundle_signatures)
    for name in settings.bundles:
        try:
            if reads_chests(catalogue.newest(name)):
                return True
        except BundleRejected:
            continue  # said by the check of the bundles
    return False
