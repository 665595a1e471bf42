"""The notice by which an administrator tries a channel: about no study, and marked as a test."""

from __future__ import annotations

from datetime import datetime

from radiology.identity import derived_uid
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings
from worker.flag.channel import Notice, NoticeKind
from worker.flag.flag_study import page_address


def trial_notice(settings: Settings, kind: NoticeKind, now: datetime, salt: str) -> Notice:
    """A notice about a study that does not exist, marked as a test.

    Parameters
    ----------
    salt : makes the study another one each time: a receiver drops what it has had
    """
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
        urgency=Urgency.ROUTINE,
        rule="a test by an administrator",
        suspicion=None,
        reading=None,
        objects=(),
        raised_at=now,
        last_instance_at=now,
        study_url=f"{page_address(settings)}/",
        is_test=True,
    )
