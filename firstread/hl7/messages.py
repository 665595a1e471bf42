"""Prints and sends the messages of `firstread hl7`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from rich.console import Console

from database.session import query
from database.views.worklist.worklist_facts import StudyPage
from database.views.worklist.worklist_rows import study_page
from firstread.data_folder import open_database
from firstread.name_of import study_of
from firstread.say import REFUSED
from firstread.say import console as error_console
from models.older_readings import reading_if_readable
from radiology.identity import derived_uid
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import Hl7Channel
from worker.flag.channel import Notice, NoticeKind
from worker.flag.flag_study import page_address
from worker.flag.hl7_observation import Hl7ObservationChannel, observation_message
from worker.flag.trial_notice import trial_notice

_UNNAMED = Hl7Channel(name="example", kind="hl7", host="localhost", port=2575)


def print_message(settings: Settings, study: str, channel: str | None) -> int:
    """Print the message for a study's result in force; returns 2 when there is none.

    Parameters
    ----------
    study : its UID or accession number
    """
    chosen = _channel(settings, channel) or _UNNAMED
    page = _study(settings, study)
    if page is None or page.row.result is None:
        error_console.print("There is no such study, or it has no result yet.")
        return REFUSED
    if page.row.study.several_patients:
        error_console.print("The images of this study name several patients: nobody is told of it.")
        return REFUSED
    message = observation_message(study_notice(page, settings), chosen, datetime.now(UTC))
    print(message.replace("\r", "\n"), end="")
    return 0


def send_test_and_print(settings: Settings, channel: str) -> int:
    """Send a test message and print the answer; returns 2 when there is no such channel."""
    chosen = _channel(settings, channel)
    if chosen is None:
        error_console.print(f"There is no flag channel of kind hl7 called {channel}.")
        return REFUSED
    client = Hl7ObservationChannel(chosen)
    try:
        now = datetime.now(UTC)
        answer = client.send(
            trial_notice(settings, NoticeKind.RAISED, now, secrets.token_hex(8)), now
        )
    finally:
        client.close()
    Console().print(f"{chosen.host}:{chosen.port} answered {answer.code}.", highlight=False)
    return 0


def study_notice(page: StudyPage, settings: Settings) -> Notice:
    """What a channel would be told of a study's result in force."""
    study, result = page.row.study, page.row.result
    assert result is not None
    uid = study.study_instance_uid
    return Notice(
        flag_uid=derived_uid("flag", uid),
        notice_uid=derived_uid("shown", uid, str(result.study_version)),
        kind=NoticeKind.RAISED,
        study_instance_uid=uid,
        patient_id=study.patient_id,
        issuer_of_patient_id=study.issuer_of_patient_id,
        patient_sex=study.patient_sex,
        accession_number=study.accession_number,
        outcome=result.outcome,
        urgency=result.urgency or Urgency.ROUTINE,
        rule=result.urgency_rule,
        suspicion=result.suspicion,
        reading=reading_if_readable(result.reading),
        objects=(),
        raised_at=result.created_at,
        last_instance_at=study.last_instance_at,
        bundle=result.bundle,
        bundle_version=result.bundle_version,
        study_url=f"{page_address(settings)}/studies/{uid}",
    )


def _channel(settings: Settings, name: str | None) -> Hl7Channel | None:
    """The channel of this name; the first one where no name is given."""
    channels = [one for one in settings.flags if isinstance(one, Hl7Channel)]
    return next((one for one in channels if name in (None, one.name)), None)


def _study(settings: Settings, study: str) -> StudyPage | None:
    engine = open_database(settings)
    with query(engine) as session:
        return study_page(session, study_of(session, study))
