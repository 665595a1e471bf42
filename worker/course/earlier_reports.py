"""Finds the earlier reports that a new report names: those superseded, and the prior study's."""

from __future__ import annotations

from database.results.stored import ReportReference, machine_reports, newest_report
from database.session import Engine, query
from radiology.answer.reading import Reading
from worker.course.find_priors import Priors
from worker.encode import EarlierReport, EarlierReports


def earlier_reports(
    engine: Engine,
    study_id: int,
    version: int,
    *,
    bundle: str,
    answer: Reading,
    priors: Priors,
) -> EarlierReports:
    """Look up what the reports of a bundle about a version of a study name.

    Parameters
    ----------
    answer : of this version; it says which of `priors` it was compared with
    """
    with query(engine) as session:
        before = newest_report(session, study_id, bundle=bundle, before_version=version)
        machine = machine_reports(session, study_id, bundle=bundle, before_version=version)
    comparison = answer.comparison
    compared = [
        prior.report
        for prior in priors.found
        if prior.report is not None
        and comparison is not None
        and prior.study.study_instance_uid == comparison.earlier.study_instance_uid
    ]
    return EarlierReports(
        predecessor=None if before is None else _named(before),
        machine_predecessors={word: _named(one) for word, one in machine.items()},
        prior=_named(compared[0]) if compared else None,
    )


def _named(report: ReportReference) -> EarlierReport:
    return EarlierReport(
        report.study_instance_uid, report.series_instance_uid, report.sop_instance_uid
    )
