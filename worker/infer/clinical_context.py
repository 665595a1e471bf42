"""The clinical values in force of a study as it is read."""

from __future__ import annotations

from database.session import Engine, query
from database.studies.clinical_values import clinical_values
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.errors import ClinicalValuesRefused
from settings.log.log_events import get_logger

_log = get_logger("pipeline")


def clinical_context(engine: Engine, study_id: int) -> ClinicalContext:
    """The values that the page would compute with now: what a person entered stands against HL7.

    Values that cannot be used cost no study its reading: it is read without them, and the page
    says what is wrong with them.
    """
    with query(engine) as session:
        recorded = clinical_values(session, study_id)
    try:
        values = ClinicalValues.from_facts(recorded.values)
    except ClinicalValuesRefused as error:  # entered when other limits were in force
        _log.warning("clinical_values_not_used", fields=", ".join(sorted(error.problems)))
        return ClinicalContext()
    return ClinicalContext(values, sources=recorded.sources)
