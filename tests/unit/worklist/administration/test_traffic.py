"""What last went to a destination and a flag channel, and what last came by HL7."""

from __future__ import annotations

from datetime import timedelta

from database.process_signs import record_sign
from database.session import transaction
from database.studies.said_by_hl7 import Moments, note_message
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.hl7 import Hl7Listener
from tests.builders.stored.flags import (
    FlaggedStudy,
    accept,
    claim_for,
    mail,
    postpone,
    refuse,
    rules,
    webhook,
)
from tests.builders.stored.rows import later
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.list.ordinary_day import MILD
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app


def _part(hospital: SeededHospital, settings: Settings, key: str) -> str:
    """What a person reads in one part of the page, on one line."""
    visitor = Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))
    answer = visitor.get("/administration")
    assert answer.status_code == 200, answer.text
    start = answer.text.index(f'data-part="{key}"')
    shown = answer.text[start - 20 : answer.text.index("</section>", start)]
    return " ".join(readable(shown).split())


def test_when_a_destination_last_stored_something(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Nothing yet, then the moment of the last object that it took; a refusal is none."""
    assert "nothing yet" in _part(hospital, worklist_settings, "peers")
    _, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, MILD, destinations=["pacs"], picture=False)
    hospital.deliver()
    stored_at = hospital.now
    hospital.later(3600)
    said = _part(hospital, worklist_settings, "peers")
    assert "nothing yet" not in said
    assert f"{stored_at.astimezone():%H:%M}" in said


def test_how_the_last_notice_of_each_channel_went(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Accepted, waiting with a fault, refused, or none; of an address nothing secret."""
    secret = "https://pager.example/hook?token=hush"
    channels = (
        webhook("pager", url=secret),
        mail("duty", port=2525),
        webhook("later"),
        webhook("idle", from_urgency="suspected", escalation=1),
    )
    study = FlaggedStudy(hospital.engine, rules(*channels[:3]))
    study.result(Urgency.URGENT, at=10.0)
    accept(hospital.engine, claim_for(hospital.engine, "pager", later(11)), 12)
    refuse(hospital.engine, claim_for(hospital.engine, "duty", later(11)), 12)
    postpone(hospital.engine, claim_for(hospital.engine, "later", later(11)), 12, 99)
    settings = worklist_settings.model_copy(update={"flags": channels})
    said = _part(hospital, settings, "channels")
    assert "hush" not in said
    assert "pager webhook https://pager.example urgent flag: accepted" in said
    assert "duty mail 127.0.0.1:2525 urgent flag: refused" in said
    assert "later webhook http://127.0.0.1:9 urgent flag: waiting, next try" in said
    assert said.endswith("idle webhook http://127.0.0.1:9 suspected step 1 nothing yet 0")


def test_a_channel_that_takes_nothing_is_not_shown_as_well(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Its newest notice has not been tried yet; older ones were, in vain, or were refused."""
    channel = webhook("pager")
    settings = worklist_settings.model_copy(update={"flags": (channel,)})
    for number in (1, 2, 3):
        FlaggedStudy(hospital.engine, rules(channel), number).result(Urgency.URGENT, at=10.0)
        if number == 1:
            refuse(hospital.engine, claim_for(hospital.engine, "pager", later(11)), 12)
        elif number == 2:
            postpone(hospital.engine, claim_for(hospital.engine, "pager", later(11)), 12, 99)
    said = _part(hospital, settings, "channels")
    assert "flag: waiting to be sent" in said
    assert "It takes no notices. The oldest that waits is from" in said
    assert "Refused or given up, while the flag is open: 1" in said
    visitor = Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))
    assert '<span class="not">flag: waiting to be sent' in visitor.get("/administration").text


def test_the_listener_and_its_last_message(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Where it listens, to whom, whether its process runs, and what came last."""
    assert "[hl7_listener]" in _part(hospital, worklist_settings, "hl7")
    listener = Hl7Listener(port=2576, senders=("10.0.4.0/24",), sending_applications=("RIS",))
    settings = worklist_settings.model_copy(update={"hl7_listener": listener})
    said = _part(hospital, settings, "hl7")
    assert "0.0.0.0:2576 no process listens Senders 10.0.4.0/24 RIS" in said
    assert "none in the last 7 days" in said
    moments = Moments(hospital.now, hospital.now, hospital.now + timedelta(days=7))
    with transaction(hospital.engine) as session:
        record_sign(session, "a:1", "hl7", started_at=hospital.now, now=hospital.now)
        for number, kind in enumerate(("ORM^O01", "ADT^A01")):
            note_message(
                session,
                sender="RIS|HOSPITAL",
                control_id=str(number),
                sha256=str(number),
                kind=kind,
                moments=moments,
            )
    said = _part(hospital, settings, "hl7")
    assert "no process listens" not in said
    assert "Last message ADT^A01 from RIS|HOSPITAL" in said
