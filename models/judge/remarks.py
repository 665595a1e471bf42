"""The remarks of pictures and pages on a declared bundle's reading, beside its figures."""

from __future__ import annotations

from collections.abc import Sequence

from models.judge.rules import RowSeen, deciding
from radiology.answer.finding import Finding
from radiology.answer.remark import Remark


def remarks_of(findings: Sequence[Finding], rows: Sequence[RowSeen]) -> tuple[Remark, ...]:
    """Each finding where there are several, then the rules that decided, with what they saw."""
    remarks = []
    if len(findings) > 1:
        remarks.append(Remark("Findings", tuple(_finding(one) for one in findings)))
    if decided := tuple(_rule(row) for row in deciding(rows)):
        remarks.append(Remark("Rule that decides", decided))
    return tuple(remarks)


def _finding(finding: Finding) -> tuple[str, ...]:
    said = (finding.title, str(finding.presence))
    return said if finding.probability is None else (*said, f"{100.0 * finding.probability:.1f} %")


def _rule(row: RowSeen) -> tuple[str, ...]:
    """A rule of the bundle with its limit; those that every bundle has say all by their names."""
    if row.of_every_bundle:
        return (row.name,)
    return (row.name, f"{row.seen}, limit: {row.limit}")
