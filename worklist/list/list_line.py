"""A study in one line: its verdict, what was found, and what a reader has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.flag_states import FlagState
from database.states import StudyState
from database.views.flag_pages import ListedFlag
from database.views.worklist.worklist_facts import (
    Agreed,
    Disagreement,
    HeadingFacts,
    WorklistRow,
)
from models.older_readings import brief_if_readable
from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.measurement import Measurement
from worklist.feedback.lines import SHORT_FAULT_WORDS
from worklist.reading.case_lines import CodedLine, coded_in_brief
from worklist.reading.course_lines import measured_at
from worklist.reading.figures import (
    FigureLine,
    found_in_words,
    leading_figure,
    read_as,
    suspicion_threshold,
)
from worklist.words.declared_titles import titled
from worklist.words.study_words import (
    DeliveryLine,
    StudyStanding,
    delivery_line,
    name_forms,
    patient_age,
    patient_sex,
    standing_of,
)
from worklist.words.translations import translated
from worklist.words.verdict import Kind, Verdict, verdict_of

_SUSPECTS = (Kind.URGENT, Kind.SUSPECTED)


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What became of a measurement since the patient's latest earlier study.

    `percent` has its sign; it is empty where there was nothing to grow from.
    """

    title: str
    more: bool
    percent: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class AnotherAnswer:
    """What a bundle suspects of a study whose line shows the answer of another one.

    Attributes
    ----------
    verdict : its urgency as a word
    found : what it found first; empty where its reading cannot be read
    """

    verdict: str
    found: str


@dataclass(frozen=True, slots=True)
class ScanLine:
    """When was scanned, and what, as the scanner says it.

    Attributes
    ----------
    at : as the standard of HTML writes it (Section 2.3.5)
    words : the same to the minute
    series : the description of the series that was read, where it is not that of the study
    """

    at: str = ""
    words: str = ""
    study: str = ""
    series: str = ""
    body_part: str = ""


_NO_SCAN = ScanLine()


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of the list, ready to be written."""

    row: WorklistRow
    verdict: Verdict
    standing: StudyStanding
    sex: str
    age: str
    found: tuple[str, ...]
    threshold: float | None
    deliveries: tuple[DeliveryLine, ...]
    note: str
    read_as: str = ""
    leading: FigureLine | None = None
    coded: tuple[CodedLine, ...] = ()
    change: ChangeLine | None = None
    others: tuple[AnotherAnswer, ...] = ()
    raised: bool = False
    disagreement: str = ""
    agreement: str = ""
    flag: str = ""
    name: tuple[str, ...] = ()
    scan: ScanLine = _NO_SCAN
    bundles: tuple[str, ...] = ()

    @property
    def leads_with_figure(self) -> bool:
        """Whether what was found begins with the leading figure: then it need not stand twice."""
        one = self.leading
        return one is not None and self.found[:1] == (f"{one.title} {one.value}",)


def list_line(row: WorklistRow, *, raised: bool = False) -> ListLine:
    """One line of the list."""
    result = row.result
    stands = result is not None and result.withdrawn_at is None
    reading = brief_if_readable(result.reading) if result else None
    said = reading if stands else None
    return ListLine(
        row=row,
        verdict=verdict_of(row),
        standing=standing_of(row),
        sex=patient_sex(row.study),
        age=patient_age(row.study),
        found=found_in_words(said),
        threshold=suspicion_threshold(reading),
        deliveries=tuple(delivery_line(item) for item in result.deliveries) if result else (),
        note=newer_images_note(row),
        read_as=read_as(reading),
        leading=leading_figure(said),
        coded=coded_in_brief(said) if said else (),
        change=change_line(said),
        others=other_answers(row),
        raised=raised,
        disagreement=disagreement_words(row.disagreement) if row.disagreement else "",
        agreement=agreement_words(row.agreement) if row.agreement else "",
        flag=flag_words(row.flag) if row.flag else "",
        name=() if row.study.several_patients else name_forms(row.heading.patient_name),
        scan=scan_line(row.heading),
        bundles=bundles_of(row),
    )


def scan_line(heading: HeadingFacts) -> ScanLine:
    """What the headers of a study say of the scan."""
    series = heading.series_description
    return ScanLine(
        at=heading.scanned_at,
        words=heading.scanned_at[: len("YYYY-MM-DDTHH:MM")].replace("T", " "),
        study=heading.study_description,
        series="" if series == heading.study_description else series,
        body_part=heading.body_part,
    )


def bundles_of(row: WorklistRow) -> tuple[str, ...]:
    """The bundles that have read a study or are to read it, that of the shown answer first."""
    return tuple(
        f"{one.bundle} {one.result.bundle_version if one.result else ''}".rstrip()
        for one in row.answers
        if one.rank is not None
    )


def other_answers(row: WorklistRow) -> tuple[AnotherAnswer, ...]:
    """The answers that suspect something, but for the most urgent one, which the line shows.

    A bundle that suspects nothing, waits or does not apply has no place in the line: its answer
    stands on the study's page.
    """
    suspects = []
    for answer in row.answers[1:]:
        verdict = verdict_of(row.of(answer))
        if verdict.kind in _SUSPECTS:
            reading = brief_if_readable(answer.result.reading) if answer.result else None
            found = next(iter(found_in_words(reading)), "")
            suspects.append(AnotherAnswer(verdict.word, found))
    return tuple(suspects)


def disagreement_words(disagreement: Disagreement) -> str:
    """That a reader disagrees, and what is wrong."""
    faults = translated(", ").join(
        translated(SHORT_FAULT_WORDS[fault]) for fault in disagreement.faults
    )
    if disagreement.current:
        return translated("reader disagrees: %(faults)s", faults=faults)
    return translated("reader disagreed with an earlier result: %(faults)s", faults=faults)


def agreement_words(agreement: Agreed) -> str:
    """That a reader agrees, and with which result."""
    if agreement.current:
        return translated("reader agrees")
    return translated("reader agreed with an earlier result")


def flag_words(flag: ListedFlag) -> str:
    """Whether somebody has acknowledged the flag of a study, and who."""
    if flag.state is FlagState.OPEN:
        return translated("flag open")
    return translated("acknowledged by %(reader)s", reader=flag.acknowledged_by)


def change_line(said: ReadingInBrief | None) -> ChangeLine | None:
    """What became of the first amount of the summary since the earlier study; None without one."""
    if said is None or said.comparison is None or len(said.course) < 2:
        return None
    earlier = said.comparison.earlier
    then = next((one for one in said.course if one.order == earlier.order), None)
    for measurement in said.summary:
        if not isinstance(measurement, Measurement) or measurement.unit in (
            codes.PERCENT,
            codes.NO_UNIT,
        ):
            continue
        before = None if then is None else measured_at(then, measurement.concept)
        now = measured_at(said.course[-1], measurement.concept)
        if before is None or now is None:
            continue
        growth = 100.0 * (now.value - before.value) / before.value if before.value > 0 else None
        return ChangeLine(
            title=titled(measurement.concept.meaning, said.report),
            more=now.value > before.value,
            percent="" if growth is None else f"{growth:+.0f}\u00a0%".replace("-", "−"),
            since=earlier.acquired_at,
        )
    return None


def newer_images_note(row: WorklistRow) -> str:
    """What to know when the result in force is about fewer images than the study has by now."""
    if row.result is None:
        return ""
    arriving = row.study.state is StudyState.RECEIVED
    behind = row.job is not None and row.job.study_version > row.result.study_version
    if arriving or behind or not row.current:
        return translated("The result is from before the newest images came.")
    if row.superseded == 1:
        return translated("Supersedes an earlier result.")
    if row.superseded:
        return translated("Supersedes %(n)s earlier results.", n=row.superseded)
    return ""
