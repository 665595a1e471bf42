"""Whether a study's page asks for clinical values: where a bundle that reads it uses them."""

from __future__ import annotations

from database.views.worklist.worklist_facts import ResultFacts, WorklistRow
from models.catalogue import versions_on_disk
from models.declared_bundle import names_entry_point
from models.older_readings import reading_if_readable
from settings.environment import Settings
from worklist.reading.clinical_scores import may_use_clinical_values


def asks_for_clinical_values(settings: Settings, row: WorklistRow) -> bool:
    """Whether one of the bundles that read a study, or are to read it, uses clinical values.

    A bundle of schema 3 that the general reader reads does through an entry point alone. Of others
    the answer tells; before there is one they may. A study that no bundle was found for yet is
    asked of those in use.
    """
    if not row.answers:
        return any(_asks(settings, name, row.result) for name in settings.bundles)
    return any(_asks(settings, one.bundle, one.result) for one in row.answers)


def _asks(settings: Settings, bundle: str, result: ResultFacts | None) -> bool:
    versions = versions_on_disk(settings.bundles_folder, bundle)
    if versions:
        declared = names_entry_point(settings.bundles_folder / bundle / versions[-1])
        if declared is not None:
            return declared
    return may_use_clinical_values(None if result is None else reading_if_readable(result.reading))
