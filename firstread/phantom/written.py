"""Writes a phantom into a folder, as the study of whatever patient and order is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from firstread.phantom.kind import PhantomKind
from firstread.phantom.make_kind import make_kind
from firstread.say import shown_steps, table_console
from phantom import PhantomGrid
from phantom.study import StudyIdentity, write_phantom_study
from radiology.errors import SettingsRefused

_LONG_STRING = 64  # characters of an LO, and of an SH below: PS3.5 Table 6.2-1
_SHORT_STRING = 16


def write_and_say(
    folder: Path,
    kind: PhantomKind,
    *,
    patient_id: str | None,
    accession_number: str | None,
    grid: PhantomGrid | None = None,
) -> None:
    """Make a phantom, write its instances, and say what study that is.

    Another Patient ID or Accession Number gives another study, with UIDs of its own; the same ones
    give the same study again.

    Parameters
    ----------
    folder : made where it is not there
    patient_id, accession_number : those of the demo's phantom when not given
    grid : that of `make_kind` when not given

    Raises
    ------
    SettingsRefused
        There is something in the folder already, it cannot be written, or DICOM does not allow the
        Patient ID or the Accession Number.
    """
    _check("Patient ID", "--patient-id", patient_id, _LONG_STRING)
    _check("accession number", "--accession", accession_number, _SHORT_STRING)
    try:
        _make_empty(folder)
        with shown_steps("", 1) as steps:
            phantom = make_kind(
                kind,
                lambda done, total: steps.step(f"Making a {kind.words} phantom", done, total),
                grid,
            )
        given = (patient_id, accession_number)
        salt = "" if given == (None, None) else repr(given)
        identity = StudyIdentity.of(phantom, patient_id=patient_id, salt=salt)
        if accession_number is not None:
            identity = replace(identity, accession_number=accession_number)
        files = write_phantom_study(phantom, folder, identity=identity)
    except OSError as error:
        raise SettingsRefused(
            "The phantom cannot be written", folder=str(folder), reason=error.strerror or ""
        ) from error
    table_console().print(
        f"{len(files)} instances of study {identity.uid('study')} are in {folder}: Patient ID "
        f"{identity.patient_id}, accession number {identity.accession_number}. "
        f"'firstread send {folder}' sends them.",
        soft_wrap=True,
    )


def _make_empty(folder: Path) -> None:
    """Make the folder; before the phantom, which takes its time."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsRefused(
            f"{folder} is there already and not empty: name a new folder, or empty it"
        )
    folder.mkdir(parents=True, exist_ok=True)


def _check(what: str, option: str, text: str | None, most: int) -> None:
    """Refuse what is no LO or SH: PS3.5 Section 6.2."""
    if text is None:
        return
    if not text.strip() or len(text) > most or "\\" in text or not text.isprintable():
        raise SettingsRefused(
            f"{option}: a {what} has 1 to {most} characters, no backslash and no control character"
        )
