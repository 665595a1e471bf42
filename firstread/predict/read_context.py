"""Reads a patient's clinical values and an earlier answer from the options of a command."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from firstread.predict.earlier_answer import read_earlier_answer
from firstread.read_json_object import read_json_object
from models.catalogue import UsableBundle
from radiology.clinical import ClinicalContext, ClinicalValues

_MOST_BYTES = 64 * 1024  # twenty short values


def read_context(
    clinical: Path | None, earlier: Path | None, bundle: UsableBundle
) -> ClinicalContext | None:
    """Read the files that were named.

    Parameters
    ----------
    clinical : a JSON object, field of `ClinicalValues` to value
    earlier : an output of `firstread predict` with the same bundle

    Returns
    -------
    None where no file was named.

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is not what it must be.
    ClinicalValuesRefused
        A value is not possible; every wrong field is named.
    """
    if clinical is None and earlier is None:
        return None
    return ClinicalContext(
        values=ClinicalValues() if clinical is None else read_clinical_values(clinical),
        prior=None if earlier is None else read_earlier_answer(earlier, bundle),
    )


def read_clinical_values(path: Path) -> ClinicalValues:
    """Read a JSON object of clinical values; docs/severity.md lists the keys.

    Raises
    ------
    SettingsRefused, ClinicalValuesRefused
        As for `read_context`.
    """
    names = {field.name for field in fields(ClinicalValues)}
    given = read_json_object(path, "file of clinical values", most_bytes=_MOST_BYTES, sayable=names)
    return ClinicalValues.from_facts(given)
