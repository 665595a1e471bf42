"""A patient who has a chest CT, and a second one 36 hours later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from phantom.study import StudyIdentity

FIRST_DAY = datetime(2026, 1, 1, 12)  # noqa: DTZ001 a scanner's clock has no zone
EARLIER = StudyIdentity(
    key="earlier",
    patient_id="4711",
    patient_name="Doe^Jane",
    moment=FIRST_DAY,
    patient_birth_date="19610203",
    patient_sex="F",
    issuer_of_patient_id="HOSPITAL A",
)
LATER = replace(EARLIER, key="later", moment=FIRST_DAY + timedelta(hours=36))
