"""Makes a candidate and its report of a folder of new cases, step by step."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.report.page import render_page
from models.candidates import candidates_folder
from models.catalogue import UsableBundle
from radiology.errors import SettingsRefused
from training.release.made import Made, data_digests, machine_used, versions_used
from training.site.bundle import CARD, finish, release
from training.site.cases import SiteCases, SiteSlice, read_site_cases
from training.site.compare_bundles import BundlePair, TruthSlice, compare_figures
from training.site.hold_out import hold_out
from training.site.learner import Learner, LearningPlan
from training.site.open_learner import open_learner
from training.site.order import TrainingOrder, build_folder, choose_base, settle, trained_before
from training.site.report import (
    EACH_FILE_A_CASE,
    FORGETTING,
    THRESHOLDS,
    SiteReport,
    site_card,
    site_page,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Parts:
    """The site's slices on either side of the split."""

    train: tuple[SiteSlice, ...]
    held_out: tuple[SiteSlice, ...]

    @staticmethod
    def cases(slices: Sequence[SiteSlice]) -> int:
        return len({one.case for one in slices})


def _site_truth(slices: Sequence[SiteSlice]) -> Iterator[TruthSlice]:
    for case_slice in slices:
        picture = case_slice.picture()
        yield TruthSlice(
            name=case_slice.name,
            case=case_slice.case,
            hu=picture.hu,
            spacing_mm=picture.spacing_mm,
            lesion=case_slice.lesion(picture) > 0 if case_slice.mask else None,
            lung=case_slice.lung(picture),
            viral=bool(case_slice.viral) if case_slice.viral >= 0 else None,
        )


def _report(
    base: UsableBundle, candidate: UsableBundle, parts: _Parts, learner: Learner, learnt: str,
    notes: tuple[str, ...],
) -> SiteReport:  # fmt: skip
    log.info("old against new on the held-out cases")
    pair, ours = BundlePair.of(base, candidate), learner.ours
    by_slice = pair.compare(_site_truth(parts.held_out))
    return SiteReport(
        base=base,
        candidate=candidate,
        trained=parts.cases(parts.train),
        held_out=parts.cases(parts.held_out),
        slices=(len(parts.train), len(parts.held_out)),
        learnt=learnt,
        site=compare_figures(by_slice, pair.thresholds),
        house=compare_figures(pair.compare(ours.truth()), pair.thresholds) if ours else (),
        by_slice=tuple(by_slice),
        notes=notes,
        house_note=ours.note if ours else "",
    )


def _notes(cases: SiteCases, *, alone: bool) -> tuple[str, ...]:
    said = [(THRESHOLDS, True), (FORGETTING, alone), (EACH_FILE_A_CASE, not cases.named)]
    return tuple(note for note, holds in said if holds)


def _made(
    order: TrainingOrder, steps: Mapping[str, int], data: dict[str, str], began: float,
    resumed: bool,
) -> Made:  # fmt: skip
    return Made(
        seed=order.seed,
        steps=dict(steps),
        data=data,
        versions=versions_used(),
        machine=machine_used(),
        minutes=(time.monotonic() - began) / 60.0,
        resumed=resumed,
        remark="",
    )


def _made_words(made: Made) -> str:
    ours = ", ".join(made.data) or "none"
    steps = ", ".join(f"{name} {count}" for name, count in made.steps.items())
    return (
        f"`firstread models train` (seed {made.seed}; steps: {steps}) on "
        f"{made.machine}: {made.minutes:.0f} minutes. Our own data beside the site's: {ours}."
    )


def _write_report(path: Path | None, report: SiteReport) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_page(site_page(report)), encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"The report {path} cannot be written: {error.strerror}") from error


def train_on_new_cases(order: TrainingOrder) -> dict[str, Any]:
    """Train, compare, write the candidate.

    Returns
    -------
    The JSON object: old against new.

    Raises
    ------
    FirstreadError
        With what is wrong; then no candidate is written and none replaced.
    """
    began = time.monotonic()
    base = choose_base(order)
    order = settle(order, base)
    learner = open_learner(base)
    cases = read_site_cases(order.new_cases)
    before = trained_before(base)
    held = hold_out(cases.slices, before)
    parts = _Parts(
        train=tuple(one for one in cases.slices if one.case not in held),
        held_out=tuple(one for one in cases.slices if one.case in held),
    )
    log.info("%d slices to learn from, %d held out", len(parts.train), len(parts.held_out))
    data = data_digests(order.data) if order.data else {}
    learner = _beside(learner, order.data)
    build = build_folder(order, base, cases, data)
    resumed = build.exists()  # an interrupted run left its checkpoints
    learnt = learner.learn(parts.train, LearningPlan(build, order.seed, order.steps))
    into = candidates_folder(order.bundles)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=into) as partial:
        written = learnt.write(Path(partial) / base.name / order.target.name)
        draft = written.declare()
        notes = _notes(cases, alone=order.data is None)
        report = _report(base, draft, parts, learner, learnt.learnt, notes)
        made = _made(order, learnt.steps, data, began, resumed)
        facts = {
            **report.facts(),
            "made": made.entries(),
            "trained_pictures": sorted(before | {one.digest for one in parts.train}),
        }
        finish(draft.folder, facts, site_card(report, _made_words(made), _card(base)))
        bundle = written.declare()
        report = replace(report, candidate=bundle)
        release(bundle, order.target, replace=order.replace)
    shutil.rmtree(build, ignore_errors=True)
    _write_report(order.report, report)
    return report.entries()


def _beside(learner: Learner, data: Path | None) -> Learner:
    """With our own slices beside the site's, where they were given."""
    if data is None:
        return learner
    try:
        return learner.beside(data)
    except OSError as error:
        raise SettingsRefused(
            f"{data} has not all that the base was trained on: {error.filename or error}"
        ) from error


def _card(base: UsableBundle) -> str:
    path = base.folder / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""
