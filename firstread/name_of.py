"""What an argument of a command names: jobs, a study, a flag."""

from __future__ import annotations

from collections.abc import Sequence

from database.session import Session
from database.views.named import flags_named, is_job, jobs_named, studies_named
from radiology.errors import SettingsRefused

_JOB, _ACCESSION = "job:", "accession:"


def jobs_of(session: Session, name: str) -> list[int]:
    """The jobs that are meant by a job's number, an accession number or a Study Instance UID.

    Raises
    ------
    SettingsRefused
        It is the number of a job and an accession number as well.
    """
    if name.startswith(_ACCESSION):
        return jobs_named(session, name.removeprefix(_ACCESSION))
    number = name.removeprefix(_JOB)
    numbered = [int(number)] if number.isdecimal() and is_job(session, int(number)) else []
    if name.startswith(_JOB):
        return numbered
    of_studies = jobs_named(session, name)
    if numbered and of_studies and of_studies != numbered:
        raise SettingsRefused(
            f"{name} is a job and an accession number: say {_JOB}{name} or {_ACCESSION}{name}"
        )
    return numbered or of_studies


def named_study_uids(session: Session, name: str) -> list[str]:
    """The studies that are meant by an accession number or a Study Instance UID."""
    return studies_named(session, name.removeprefix(_ACCESSION))


def study_of(session: Session, name: str) -> str:
    """The Study Instance UID that is meant by it, or by an accession number.

    A name that is not known is given back: what is done with it says so in its own words.

    Raises
    ------
    SettingsRefused
        Several studies have this accession number.
    """
    return _only(studies_named(session, name.removeprefix(_ACCESSION)), name, "studies")


def flag_of(session: Session, name: str) -> str:
    """The UID of the flag that is meant by it, or by its study's UID or accession number; as above.

    Raises
    ------
    SettingsRefused
        Several studies with a flag have this accession number.
    """
    return _only(flags_named(session, name.removeprefix(_ACCESSION)), name, "flags")


def _only(found: Sequence[str], name: str, of_what: str) -> str:
    if len(found) > 1:
        raise SettingsRefused(
            f"Several {of_what} go by {name}: name one by its UID: {', '.join(found)}"
        )
    return found[0] if found else name
