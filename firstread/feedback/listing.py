"""Lists feedback as a table or as JSON, without comments, which may hold patient data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.table import Table

from database.feedback.given import JudgedResult, Period, judged_results
from database.session import query
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.reader_agreement import ReaderAgreement
from firstread.data_folder import open_database
from firstread.say import print_json, table_console
from radiology.errors import SettingsRefused
from radiology.feedback import Judgement
from settings.environment import Settings
from worklist.feedback.figures import CAVEAT, feedback_figures

_EVER = datetime(1970, 1, 2, tzinfo=UTC)


def print_feedback(settings: Settings, *, disagreements: bool, limit: int, as_json: bool) -> None:
    """Print the opinions that stand, the newest first."""
    with query(open_database(settings)) as session:
        found = judged_results(session)
    if disagreements:
        found = [one for one in found if one.judgement is Judgement.DISAGREE]
    found = found[:limit]
    if as_json:
        print_json({"feedback": [_entries(one) for one in found]})
        return
    table = Table(
        "Given (UTC)", "Study", "Answer", "Judgement", "What is wrong", "Reader", "Bundle"
    )
    table.columns[1].no_wrap = True  # what other commands take as an argument
    for judged in found:
        table.add_row(
            f"{judged.given_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            judged.study_instance_uid,
            judged.urgency.value,
            judged.judgement.value,
            ", ".join(sorted(judged.faults)),
            judged.reader,
            f"{judged.bundle}/{judged.bundle_version}",
        )
    table_console().print(table)


def print_figures(
    settings: Settings, since: datetime | None, until: datetime | None, *, as_json: bool
) -> None:
    """Print predictive values of the results made from one day to another, both included."""
    with query(open_database(settings)) as session:
        found = feedback_figures(session, _period(since, until))
    if as_json:
        print_json(found.entries())
        return
    table = Table("", "Judged", "PPV", "NPV", "Sensitivity", "Specificity", "Not judged")
    rows = {"all": found.total, **found.by_scanner}
    for name, agreement in rows.items():
        not_judged = agreement.not_judged_called + agreement.not_judged_not_called
        table.add_row(name, *_cells(agreement), str(not_judged))
    for name, agreement in found.by_version.items():
        table.add_row(name, *_cells(agreement), "")
    console = table_console()
    console.print(table)
    console.print(CAVEAT)


def _period(since: datetime | None, until: datetime | None) -> Period | None:
    if since is None and until is None:
        return None
    first = since.astimezone() if since else _EVER
    last = (until + timedelta(days=1)).astimezone() if until else datetime.now(UTC)
    if last <= first:
        raise SettingsRefused("--until lies before --since")
    return Period(first, last)


def _cells(agreement: ReaderAgreement) -> tuple[str, ...]:
    estimates = (agreement.ppv, agreement.npv, agreement.sensitivity, agreement.specificity)
    return (str(agreement.confusion.count), *map(_cell, estimates))


def _cell(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f})"


def _entries(judged: JudgedResult) -> dict[str, object]:
    return {
        "given_at": judged.given_at.isoformat(),
        "reader": judged.reader,
        "study_instance_uid": judged.study_instance_uid,
        "result_id": judged.result_id,
        "scanner": judged.scanner,
        "bundle": f"{judged.bundle}/{judged.bundle_version}",
        "urgency": judged.urgency.value,
        "judgement": judged.judgement.value,
        "faults": sorted(judged.faults),
    }
