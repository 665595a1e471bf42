"""Decides whether all instances of a study are of one patient, and who that is.

PS3.3 Section 7.3.1.1 and C.7.1.1: a study has one patient. What is compared, and why:
docs/decisions/0040-one-patient-in-a-study.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from radiology.errors import SeveralPatients
from worker.patient.patient_identity import PatientIdentity, is_nobody

_MOST_NAMED: Final = 5
_MOST_LETTERS: Final = 64  # PS3.5 Section 6.2, LO

# Each attribute with what an instance states of it; "" states nothing.
_COMPARED: Final[Sequence[tuple[str, Callable[[PatientIdentity], str]]]] = (
    ("Patient ID", lambda one: one.patient_id),
    ("Issuer of Patient ID", lambda one: one.issuer),
    ("Issuer of Patient ID Qualifiers", lambda one: one.universal_issuer),
    ("Patient's Birth Date", lambda one: re.sub(r"\D", "", one.birth_date)),
    # PS3.3 C.7.1.1: O is neither or not known; any other letter is no defined term.
    ("Patient's Sex", lambda one: one.sex if one.sex in ("F", "M") else ""),
)


def one_patient(stated: Sequence[PatientIdentity]) -> PatientIdentity:
    """The patient of a study, by what its instances state together.

    Parameters
    ----------
    stated : of each instance

    Raises
    ------
    SeveralPatients
        Two instances contradict each other. The facts name identifiers and numbers of images, no
        name and no date.
    """
    for attribute, value in _COMPARED:
        if len({value(one) for one in stated} - {""}) > 1:
            raise several_patients(attribute, stated, value)
    if all(is_nobody(one.patient_id) for one in stated) and _names_differ(stated):
        raise several_patients("Patient's Name", stated, lambda one: one.name)
    return PatientIdentity(
        **{
            name: next((value for one in stated if (value := getattr(one, name))), "")
            for name in PatientIdentity.__slots__
        }
    )


def patient_of_series(
    whole: PatientIdentity, of_series: Sequence[PatientIdentity]
) -> PatientIdentity:
    """The patient of a study as the results of one of its series name them.

    The order is that of the series, where it names one: one study may answer two orders.

    Parameters
    ----------
    whole : of the study, by `one_patient`
    of_series : of each instance of the series that is read

    Raises
    ------
    SeveralPatients
        The series does not say whose it is, and others of the study do.
    """
    if whole.patient_id and not all(one.patient_id for one in of_series):
        raise SeveralPatients(
            "The series that is read does not say whose it is, and others of the study do: "
            "send it again with its Patient ID",
            attribute="Patient ID",
            patients=_named([whole.patient_id]),
        )
    order = next((one.accession_number for one in of_series if one.accession_number), "")
    return replace(whole, accession_number=order or whole.accession_number)


def several_patients(
    attribute: str,
    stated: Sequence[PatientIdentity],
    value: Callable[[PatientIdentity], str],
) -> SeveralPatients:
    """The refusal, with what an administrator looks for: Patient IDs, each with its images."""
    images = Counter((one.patient_id, value(one)) for one in stated)
    named = [
        f"{_named([patient_id])}: {count} image{'' if count == 1 else 's'}"
        for (patient_id, _), count in images.most_common(_MOST_NAMED)
    ]
    return SeveralPatients(attribute=attribute, patients=", ".join(named))


def _named(patient_ids: Sequence[str]) -> str:
    readable = ("".join(one for one in each if one.isprintable()) for each in patient_ids)
    return ", ".join(one[:_MOST_LETTERS] or "no Patient ID" for one in readable)


def _names_differ(stated: Sequence[PatientIdentity]) -> bool:
    """Whether two names have no common reading: order, case and a missing part do not matter."""
    names = [words for one in stated if (words := _words(one.name))]
    return any(not (first <= other or other <= first) for first in names[:1] for other in names)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.split("=")[0].casefold()))
