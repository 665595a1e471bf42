"""What the page says of results that are kept, taken in part, or withdrawn."""

from __future__ import annotations

from database.commitments import record_request
from database.delivered_objects import ObjectAnswer, objects_to_send, record_answers
from database.deliveries import await_commitment, claim_delivery, end_delivery
from database.delivery_ends import refusals_in_words
from database.session import transaction
from database.states import DeliveryState, ObjectState, RejectionReason
from database.withdrawals import mark_withdrawn
from radiology.finding import Urgency
from tests.unit.worklist.ordinary_day import SEVERE
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.visitor import Visitor

_STORED = ObjectAnswer(ObjectState.STORED, 0x0000)
_REFUSED = ObjectAnswer(ObjectState.REFUSED, None, "The peer does not store this SOP class")


def urgent_study(hospital: SeededHospital) -> tuple[str, int]:
    """An urgent study whose result waits for one destination; its UID and its result."""
    uid, claim = hospital.claimed()
    return uid, hospital.answer(claim, Urgency.URGENT, SEVERE, destinations=["pacs"])


def settle(hospital: SeededHospital, *answers: ObjectAnswer, state: DeliveryState) -> None:
    """The destination answers for each object, and the delivery ends in a state or is sent."""
    with transaction(hospital.engine) as session:
        claim = claim_delivery(session, lease_s=30, now=hospital.now)
        assert claim is not None
        objects = objects_to_send(session, claim)
        given = {one.id: answer for one, answer in zip(objects, answers, strict=False)}
        record_answers(session, claim, given, hospital.now)
        kind, message = refusals_in_words(session, claim.delivery_id)
        if state is DeliveryState.SENT:
            record_request(session, claim, "2.25.1", hospital.now)
            await_commitment(session, claim, hospital.now)
            return
        end_delivery(session, claim, state, hospital.now, error_kind=kind, error_message=message)


def test_a_part_that_is_missing_is_named(hospital: SeededHospital, visitor: Visitor) -> None:
    """The page says what PACS took, what it refused and why, and how to send it again."""
    uid, _ = urgent_study(hospital)
    settle(hospital, _REFUSED, _STORED, _STORED, state=DeliveryState.DELIVERED)
    page = visitor.text(f"/studies/{uid}")
    assert "stored in part" in page
    assert "refused" in page
    assert "The peer does not store this SOP class" in page
    assert "Send again" in page
    assert "stored in part" in visitor.text("/administration")


def test_stored_is_not_yet_kept(hospital: SeededHospital, visitor: Visitor) -> None:
    """While PACS has not promised, the page does not say more than it knows."""
    uid, _ = urgent_study(hospital)
    settle(hospital, _STORED, _STORED, _STORED, state=DeliveryState.SENT)
    assert "stored, not yet promised to be kept" in visitor.text(f"/studies/{uid}")


def test_kept(hospital: SeededHospital, visitor: Visitor) -> None:
    """A committed delivery ends its job and its study as committed."""
    uid, _ = urgent_study(hospital)
    settle(hospital, _STORED, _STORED, _STORED, state=DeliveryState.COMMITTED)
    page = visitor.text(f"/studies/{uid}")
    assert "promised to be kept" in page
    assert "committed – results stored and kept" in page


def test_a_withdrawn_result_is_struck(hospital: SeededHospital, visitor: Visitor) -> None:
    """Nobody takes a withdrawn answer for one: it is struck, with the reason and what to do."""
    uid, result_id = urgent_study(hospital)
    with transaction(hospital.engine) as session:
        assert (
            mark_withdrawn(session, result_id, RejectionReason.PATIENT_SAFETY, hospital.now) == ()
        )
    page = visitor.text(f"/studies/{uid}")
    assert page.index("Withdrawn") < page.index("Urgent")
    assert "withdrawn: rejected for patient safety reasons." in page
    assert "Read the study as if it had not been analysed." in page
    assert '<s class="struck">Urgent</s>' in visitor.get(f"/studies/{uid}").text
    listed = visitor.text("/")
    assert "Withdrawn" in listed
    assert "suspicion" not in listed
