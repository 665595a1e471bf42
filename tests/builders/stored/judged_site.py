"""A site whose readers have judged ten studies, and whose sources are full of names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom import dcmread
from sqlalchemy import select

from database.feedback.given import give_feedback
from database.session import transaction
from database.tables.study.analysis import Result, Study
from models.schema_2.bundle import read_bundle
from phantom import TYPICAL_LESIONS, Phantom
from phantom.study import StudyIdentity
from radiology.feedback import Fault, Judgement, Opinion
from settings.environment import read_settings
from settings.peers import Peer, PeerRole
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.identified import identify, said_by
from tests.builders.dicom.spooled import ReadingRoom
from tests.builders.stored.rows import NOON
from worker.pipeline import analyse_one

COMMENT = "Mrs Leakcomment, seen in 2019"
AGREE = Opinion(Judgement.AGREE, comment=COMMENT)


def disagree(*faults: Fault) -> Opinion:
    """What a reader says who finds these faults."""
    return Opinion(Judgement.DISAGREE, frozenset(faults), COMMENT)


OPINIONS = (
    # of studies with lesions, which are suspected
    disagree(Fault.FALSE_POSITIVE),
    disagree(Fault.WRONG_TYPE),
    disagree(Fault.MISSED, Fault.WRONG_REGION),
    AGREE,
    AGREE,
    # of clear ones
    AGREE,
    disagree(Fault.MISSED),
    AGREE,
    AGREE,
    AGREE,
)
_DESTINATION = Peer(
    name="pacs",
    ae_title="PACS",  # type: ignore[arg-type]
    host="127.0.0.1",
    port=104,
    roles=frozenset({PeerRole.DESTINATION}),
)


@dataclass
class JudgedSite:
    """A site whose readers have said what they think of ten studies."""

    folder: Path
    room: ReadingRoom
    uids: list[str]
    said: set[str]  # every word of the sources


def judged_site(folder: Path, bundles: Path) -> JudgedSite:
    """Ten studies, read and judged; the first five have lesions."""
    settings = read_settings(data_folder=folder, peers=(_DESTINATION,))
    bundle = read_bundle(write_bundle(bundles))
    room = ReadingRoom(settings, TruthReader(bundle))
    sick = scan(lesions=TYPICAL_LESIONS, spacing_mm=6.0)
    clear = scan(lesions=(), spacing_mm=6.0)
    uids, said = [], set[str]()
    for number, opinion in enumerate(OPINIONS):
        uid, words = _receive(room, sick if number < 5 else clear, number)
        uids.append(uid)
        said |= words
        with transaction(room.engine) as session:
            result = session.scalars(
                select(Result).join(Study, Study.id == Result.study_id)
                .where(Study.study_instance_uid == uid)
            ).one()  # fmt: skip
            give_feedback(session, result.id, opinion, reader="Dr. Leakreader", now=NOON)
    return JudgedSite(folder, room, uids, said)


def _receive(room: ReadingRoom, phantom: Phantom, number: int) -> tuple[str, set[str]]:
    """A study of a patient of its own, who stands in every attribute; noise of its own too."""
    identity = StudyIdentity(
        key=f"judged {number}",
        patient_id=f"PAT-{number}-471100",
        patient_name=f"Leakname{number}^Given",
        accession_number=f"ACC{number}8812",
        moment=datetime(2026, 1, 1 + number, 12),  # noqa: DTZ001 a scanner's clock has no zone
        patient_birth_date=f"19{40 + number}0203",
    )
    uid = room.receive(phantom, identity)
    random, said = np.random.default_rng(number), set[str]()
    for path in sorted((room.settings.spool_folder / uid).rglob("*.dcm")):
        dataset = dcmread(path)
        pixels = dataset.pixel_array
        noisy = pixels + random.integers(0, 2, pixels.shape).astype(pixels.dtype)
        dataset.PixelData = noisy.tobytes()
        if number == 0:
            identify(dataset)
        dataset.save_as(path)
        said |= set(said_by(dataset)) | {str(dataset.SOPInstanceUID)}
    assert room.reader is not None
    room.reader.phantoms[uid] = phantom
    assert analyse_one(room.equipment)
    return uid, said
