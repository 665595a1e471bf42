"""One study of every kind, as a reader would find them on an ordinary morning."""

from __future__ import annotations

from dataclasses import dataclass

from database.states import DeliveryState, JobState
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.unit.worklist.seeded_values import Lesions
from tests.unit.worklist.seeding import SeededHospital

SEVERE = Lesions(right=(142.0, 31.0), left=(268.0, 74.0), suspicion=0.97)
EXTENSIVE = Lesions(right=(311.0, 58.0), left=(204.0, 41.0), suspicion=0.95)
MODERATE = Lesions(right=(96.0, 4.0), left=(41.0, 0.0), suspicion=0.83)
MILD = Lesions(right=(18.0, 0.0), suspicion=0.61)
TRACE = Lesions(left=(1.4, 0.0), suspicion=0.11)
CLEAR = Lesions(suspicion=0.03)


@dataclass(frozen=True)
class OrdinaryDay:
    """UIDs by what became of the studies."""

    urgent: str
    urgent_later: str
    suspected: str
    superseding: str
    not_assessable: str
    refused: str
    failed: str
    running: str
    queued: str
    receiving: str
    routine: str


def seed_ordinary_day(hospital: SeededHospital) -> OrdinaryDay:
    """Fill the hospital, in the order in which things happen."""
    routine, _ = _answered(hospital, "A2611210841", "71824403", "M", "052Y", Urgency.ROUTINE, CLEAR)
    hospital.deliver()
    suspected, _ = _answered(
        hospital, "A2611210842", "60218847", "F", "067Y", Urgency.SUSPECTED, MODERATE
    )
    hospital.deliver((0x0000, 0xB000, 0x0000))
    hospital.later(420)
    superseding = _superseded(hospital)
    hospital.later(300)
    _, _ = _answered(hospital, "A2611210845", "90114270", "F", "029Y", Urgency.ROUTINE, TRACE)
    hospital.deliver()
    not_assessable, claim = hospital.claimed(
        accession_number="A2611210846", patient_id="33018562", sex="M", age="081Y", images=12
    )
    hospital.answer(claim, None, reason="12 slices; at least 40 are needed.", picture=False)
    refused, claim = hospital.claimed(
        accession_number="A2611210847", patient_id="48811093", sex="F", age="044Y", images=4
    )
    hospital.refuse(claim, "NoSuitableSeries", "No series of the study can be analysed.")
    failed, claim = hospital.claimed(
        accession_number="A2611210848", patient_id="55720918", sex="M", age="073Y"
    )
    hospital.fail(claim, "WorkerLost", "The worker stopped 3 times while it had this job")
    hospital.later(180)
    urgent, _ = _answered(
        hospital,
        "A2611210849",
        "20941175",
        "M",
        "063Y",
        Urgency.URGENT,
        SEVERE,
        RequestPriority.STAT,
    )
    hospital.deliver((0xA700, 0x0000, 0x0000), state=DeliveryState.REFUSED)
    hospital.later(400)
    urgent_later, _ = _answered(
        hospital, "A2611210850", "81220037", "F", "058Y", Urgency.URGENT, EXTENSIVE
    )
    hospital.postpone(120)
    hospital.later(60)
    running, claim = hospital.claimed(
        accession_number="A2611210851", patient_id="17390442", sex="F", age="039Y"
    )
    hospital.progress(claim, 62, JobState.DECODED)
    queued = hospital.receive(
        accession_number="A2611210852",
        patient_id="64410726",
        sex="M",
        age="008M",
        priority=RequestPriority.HIGH,
    )
    hospital.queue(queued)
    receiving = hospital.receive(
        accession_number="", patient_id="92281107", sex="F", age="077Y", images=2
    )
    for reason in (
        "The bytes are not a DICOM data set that can be read",
        "StudyInstanceUID is missing",
    ):
        hospital.quarantine(reason)
    return OrdinaryDay(
        urgent=urgent,
        urgent_later=urgent_later,
        suspected=suspected,
        superseding=superseding,
        not_assessable=not_assessable,
        refused=refused,
        failed=failed,
        running=running,
        queued=queued,
        receiving=receiving,
        routine=routine,
    )


def _answered(
    hospital: SeededHospital,
    accession_number: str,
    patient_id: str,
    sex: str,
    age: str,
    urgency: Urgency,
    lesions: Lesions,
    priority: RequestPriority = RequestPriority.ROUTINE,
) -> tuple[str, int]:
    uid, claim = hospital.claimed(
        accession_number=accession_number,
        patient_id=patient_id,
        sex=sex,
        age=age,
        priority=priority,
    )
    return uid, hospital.answer(claim, urgency, lesions, destinations=("pacs",))


def _superseded(hospital: SeededHospital) -> str:
    """A first half that looked clear, and a late half that did not."""
    uid, _ = _answered(hospital, "A2611210843", "15560931", "F", "071Y", Urgency.ROUTINE, CLEAR)
    hospital.deliver()
    hospital.later(75)
    hospital.receive(into=uid)
    hospital.queue(uid)
    hospital.answer(hospital.claim(), Urgency.SUSPECTED, MILD, destinations=("pacs",))
    hospital.deliver()
    return uid
