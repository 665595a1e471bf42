"""What the page says of results that are kept, taken in part, or withdrawn."""

from __future__ import annotations

from database.deliveries.claimed import await_commitment, claim_delivery, end_delivery
from database.deliveries.commitments import record_request
from database.deliveries.ends import refusals_in_words
from database.deliveries.objects import ObjectAnswer, objects_to_send, record_answers
from database.results.withdrawals import mark_withdrawn
from database.session import transaction
from database.states import DeliveryState, ObjectState, RejectionReason
from radiology.urgency import Urgency
from tests.builders.stored.flags import NOBODY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import full_reading

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
    for address in ("/", f"/studies/{uid}", "/administration"):  # nowhere in the colour of success
        assert 'class="delivery delivered in-part"' in visitor.get(address).text, address


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


def test_what_is_withdrawn_is_not_said_to_be_kept(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """PACS has promised to keep what nobody should read any more."""
    uid, result_id = urgent_study(hospital)
    settle(hospital, _STORED, _STORED, _STORED, state=DeliveryState.COMMITTED)
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, result_id, RejectionReason.PATIENT_SAFETY, NOBODY, hospital.now)
    page = visitor.text(f"/studies/{uid}")
    assert "results stored and kept" not in page
    assert "committed – its result is withdrawn" in page


def test_a_withdrawn_result_is_struck(hospital: SeededHospital, visitor: Visitor) -> None:
    """Nobody takes a withdrawn answer for one: it is struck, with the reason and what to do."""
    uid, result_id = urgent_study(hospital)
    with transaction(hospital.engine) as session:
        assert (
            mark_withdrawn(session, result_id, RejectionReason.PATIENT_SAFETY, NOBODY, hospital.now)
            == ()
        )
    page = visitor.text(f"/studies/{uid}")
    assert page.index("Withdrawn") < page.index("Urgent")
    assert "withdrawn: rejected for patient safety reasons." in page
    assert "Read the study as if it had not been analysed." in page
    assert '<s class="struck">Urgent</s>' in visitor.get(f"/studies/{uid}").text
    listed = visitor.text("/")
    assert "Withdrawn" in listed
    assert "suspicion" not in listed


def test_all_of_a_withdrawn_result_is_struck(hospital: SeededHospital, visitor: Visitor) -> None:
    """Figures, findings, severity, rules and gates are struck as well, each with a word on it."""
    uid, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.URGENT, reading=full_reading())
    assert "<del" not in visitor.get(f"/studies/{uid}").text
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, result_id, RejectionReason.QUALITY, NOBODY, hospital.now)
    html = visitor.get(f"/studies/{uid}").text
    for part in ("figures", "case", "severity", "why", "gates"):
        section = html.split(f'data-part="{part}"', 1)[1].split("</section>", 1)[0]
        head, struck = section.split('<del class="taken-back">', 1)
        assert "Do not rely on what is struck here." in head
        assert "<td" in struck or "<p>" in struck
        assert "<td" not in head
    assert " data-withdrawn>" in html
    assert 'alt="Withdrawn. Key picture' in html


def test_one_destination_alone_is_sent_to_again(hospital: SeededHospital, visitor: Visitor) -> None:
    """Where several wait, each has its own button, and only that one is sent to."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, SEVERE, destinations=["pacs", "archive"])
    for _ in range(2):
        settle(hospital, _REFUSED, _REFUSED, _REFUSED, state=DeliveryState.REFUSED)
    html = visitor.get(f"/studies/{uid}").text
    assert 'id="send-again-archive"' in html
    again = f"/jobs/{claim.job_id}/deliveries/retry?destination="
    assert f'action="{again}archive"' in html
    assert visitor.post(f"{again}archive").status_code == 303
    text = visitor.text(f"/studies/{uid}")
    assert "archive waiting to be sent" in text
    assert "pacs refused" in text
    assert visitor.post(f"{again}elsewhere").status_code == 409
    assert visitor.post(f"{again}..%2Fx").status_code == 400
