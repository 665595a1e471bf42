"""Sends a test notice through a channel, so that an administrator sees the receiver's answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from firstread.say import console
from radiology.errors import SettingsRefused
from radiology.identity import derived_uid
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings
from worker.flag.channel import Notice, NoticeKind
from worker.flag.channels import open_channel
from worker.flag.flag_study import page_address


def try_channel(settings: Settings, name: str) -> None:
    """Send a notice and its withdrawal, and print what the channel answers.

    Raises
    ------
    SettingsRefused
        The settings have no channel of this name.
    """
    known = next((one for one in settings.flags if one.name == name), None)
    if known is None:
        names = ", ".join(one.name for one in settings.flags) or "none"
        raise SettingsRefused(f"There is no such channel; the settings have: {names}")
    sender = open_channel(known, settings)
    now, salt = datetime.now(UTC), secrets.token_hex(8)
    try:
        for kind in (NoticeKind.RAISED, NoticeKind.WITHDRAWN):
            answer = sender.send(_made_up(settings, kind, now, salt), now)
            console.print(f"{kind.value}: {answer.code} {answer.reference}", highlight=False)
    finally:
        sender.close()


def _made_up(settings: Settings, kind: NoticeKind, now: datetime, salt: str) -> Notice:
    """A notice that names a study which does not exist."""
    study = derived_uid("flag test", settings.ae_title, salt)
    return Notice(
        flag_uid=derived_uid("flag", study),
        notice_uid=derived_uid("flag notice", study, kind),
        kind=kind,
        study_instance_uid=study,
        patient_id="FIRSTREAD-TEST",
        issuer_of_patient_id="",
        patient_sex="",
        accession_number="TEST",
        outcome=Outcome.FINDINGS,
        urgency=Urgency.URGENT,
        rule="a test by an administrator",
        suspicion=None,
        reading=None,
        objects=(),
        raised_at=now,
        last_instance_at=now,
        study_url=f"{page_address(settings)}/",
    )
