"""Makes a candidate and its report of a folder of new cases, step by step."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.report.page import render_page
from models.candidates import candidates_folder
from models.schema_2.bundle import Bundle
from radiology.errors import SettingsRefused
from training.data.figures import read_covid_ct
from training.data.slices import SliceSet
from training.release.made import Made, data_digests, machine_used, versions_used
from training.release.read_back import read_classification, read_segmentation, with_members
from training.release.write_bundle import calibration_patches
from training.segmentation.stages import read_corpus
from training.site.bundle import (
    Learnt,
    declare,
    finish,
    release,
    views_as_input,
    write_networks,
)
from training.site.cases import SiteCases, SiteSlice, read_site_cases
from training.site.compare_bundles import TruthSlice, compare_figures, compare_slices
from training.site.fine_tune import (
    House,
    can_learn,
    fine_tune_members,
    fine_tune_segmentation,
    house_views,
    site_views,
    slice_set,
)
from training.site.hold_out import hold_out
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

_LICENCE = "the site's own; ask the site before the bundle leaves it"


@dataclass(frozen=True)
class _Parts:
    """The site's slices on either side of the split."""

    train: tuple[SiteSlice, ...]
    held_out: tuple[SiteSlice, ...]

    @staticmethod
    def cases(slices: Sequence[SiteSlice]) -> int:
        return len({one.case for one in slices})


def _learn(
    order: TrainingOrder, base: Bundle, parts: _Parts, house: House | None, build: Path
) -> Learnt:
    segmentation, classifier = read_segmentation(base), read_classification(base)
    train = parts.train
    site = slice_set(train, segmentation)
    masked = any(one.mask is not None for one in train)
    if masked:
        segmentation = fine_tune_segmentation(
            segmentation, site, house, build, order.seed, order.steps
        )
    learns = can_learn(np.array([one.viral for one in train], dtype=np.int8))
    views = site_views(train, site, segmentation) if learns else None
    ours = house_views(house, segmentation) if learns and house else None
    changed = None
    if views is not None:
        members = fine_tune_members(
            *(list(classifier.members), views, ours, build, order.seed),
            steps=max(order.steps // 2, 1),
        )
        changed = with_members(classifier, members)
    if not masked and changed is None:
        raise SettingsRefused(
            "Nothing can be learnt: no masks, and not two labelled slices of either class among "
            "the cases that are not held out"
        )
    patches = calibration_patches(house.corpus) if house else np.zeros((0, 1, 256, 256), np.float32)
    inputs = views_as_input(ours) if ours else np.zeros((0, 5, 192, 192), np.float32)
    return Learnt(segmentation if masked else None, changed, site, views, patches, inputs)


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


def _house_truth(house: House) -> Iterator[TruthSlice]:
    def of(
        slices: SliceSet, known: str, labels: Sequence[int] | None = None
    ) -> Iterator[TruthSlice]:
        for at, source in enumerate(slices.sources):
            yield TruthSlice(
                *(f"{slices.name} {at}", source, slices.hu[at].astype(np.float32)),
                lesion=slices.lesion[at] > 0 if known == "lesion" else None,
                lung=slices.lung[at] > 0 if known == "lung" else None,
                viral=None if labels is None else bool(labels[at]),
            )  # fmt: skip

    yield from of(house.corpus.doctors.held_out, "lesion")
    yield from of(house.corpus.lungs2d.held_out, "lung")
    val = read_covid_ct(house.data).val
    yield from of(val.slices, "viral", val.viral.tolist())


def _thresholds(*bundles: Bundle) -> tuple[float, float]:
    old, new = (bundle.classification.viral_threshold if bundle.classification else 0.5
                for bundle in bundles)  # fmt: skip
    return old, new


def _report(
    base: Bundle, candidate: Bundle, parts: _Parts, house: House | None, learnt: Learnt,
    notes: tuple[str, ...],
) -> SiteReport:  # fmt: skip
    thresholds = _thresholds(base, candidate)
    log.info("old against new on the held-out cases")
    by_slice = compare_slices(base, candidate, _site_truth(parts.held_out))
    ours = compare_slices(base, candidate, _house_truth(house)) if house else []
    names = (("segmentation", learnt.segmentation), ("classification", learnt.classification))
    return SiteReport(
        base=base,
        candidate=candidate,
        trained=parts.cases(parts.train),
        held_out=parts.cases(parts.held_out),
        slices=(len(parts.train), len(parts.held_out)),
        learnt=" and ".join(name for name, network in names if network is not None),
        site=compare_figures(by_slice, thresholds),
        house=compare_figures(ours, thresholds) if ours else (),
        by_slice=tuple(by_slice),
        notes=notes,
    )


def _notes(cases: SiteCases, house: House | None) -> tuple[str, ...]:
    said = [(THRESHOLDS, True), (FORGETTING, house is None), (EACH_FILE_A_CASE, not cases.named)]
    return tuple(note for note, holds in said if holds)


def _made(order: TrainingOrder, data: dict[str, str], began: float, resumed: bool) -> Made:
    return Made(
        seed=order.seed,
        steps={"segmentation": order.steps, "member": max(order.steps // 2, 1)},
        data=data,
        versions=versions_used(),
        machine=machine_used(),
        minutes=(time.monotonic() - began) / 60.0,
        resumed=resumed,
        remark="",
    )


def _made_words(made: Made) -> str:
    ours = ", ".join(made.data) or "none"
    return (
        f"`firstread models train` (seed {made.seed}, {made.steps['segmentation']} steps) on "
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
    cases = read_site_cases(order.new_cases)
    before = trained_before(base)
    held = hold_out(cases.slices, before)
    parts = _Parts(
        train=tuple(one for one in cases.slices if one.case not in held),
        held_out=tuple(one for one in cases.slices if one.case in held),
    )
    log.info("%d slices to learn from, %d held out", len(parts.train), len(parts.held_out))
    data = data_digests(order.data) if order.data else {}
    house = House(order.data, read_corpus(order.data)) if order.data else None
    build = build_folder(order, base, cases, data)
    resumed = build.exists()  # an interrupted run left its checkpoints
    learnt = _learn(order, base, parts, house, build)
    into = candidates_folder(order.bundles)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=into) as partial:
        folder = Path(partial) / base.name / order.target.name
        networks = write_networks(base, learnt, folder)
        draft = declare(folder, base, networks, _LICENCE)
        report = _report(base, draft, parts, house, learnt, _notes(cases, house))
        made = _made(order, data, began, resumed)
        facts = {
            **report.facts(),
            "made": made.entries(),
            "trained_pictures": sorted(before | {one.digest for one in parts.train}),
        }
        card = (base.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
        finish(folder, facts, site_card(report, _made_words(made), card))
        bundle = declare(folder, base, networks, _LICENCE)
        report = replace(report, candidate=bundle)
        release(bundle, order.target, replace=order.replace)
    shutil.rmtree(build, ignore_errors=True)
    _write_report(order.report, report)
    return report.entries()
