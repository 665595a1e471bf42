"""`firstread evaluate segmentation`: masks of slices against masks drawn by people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chest.grey_levels import grey_to_hounsfield
from chest.slices.read_slice import ChestSliceReader, SliceReading
from chest.values.regions import LesionLabel
from evaluation.report.kinds import WORST, NamedAgreement, ShownSlice, segmentation_page
from evaluation.statistics.floors import threshold_lesions
from evaluation.statistics.mask_scores import MaskScores, score_masks
from evaluation.statistics.masks import Mask, MaskAgreement, agreement
from firstread.choose_bundle import bundle_entries
from firstread.evaluate.bundle import Choice, bundle_facts, open_slice_reader, write_report
from firstread.evaluate.slices import ReferenceSlice, slices_of_folders, slices_of_npz
from firstread.evaluate.target import Target
from firstread.say import console, shown_progress
from radiology.errors import SettingsRefused
from settings.environment import Settings

_FOUND: Mapping[Target, Callable[[SliceReading], Mask]] = {
    Target.LUNG: lambda reading: reading.lungs > 0,
    Target.LESION: lambda reading: reading.lesions > 0,
    Target.GROUND_GLASS: lambda reading: reading.lesions == LesionLabel.GROUND_GLASS,
    Target.CONSOLIDATION: lambda reading: reading.lesions == LesionLabel.CONSOLIDATION,
}
_SHOWN_WINDOW_HU = (-1350.0, 150.0)  # the usual lung window, for the pictures of the report only
_PROBED = 8  # slices on which the other quarter turns are tried
_CLEARLY_BETTER = 0.05  # in mean Dice, for a remark that the slices may lie otherwise (ours)


class _Tally:
    """Agreements so far, and the slices with the lowest Dice, kept to be shown."""

    def __init__(self, target: Target, spacing_mm: float | None, *, keep: bool) -> None:
        self._target = target
        self._spacing = None if spacing_mm is None else (spacing_mm, spacing_mm)
        self._keep = keep
        self.named: list[NamedAgreement] = []
        self.floor: list[MaskAgreement] = []
        self.worst: list[ShownSlice] = []

    def add(self, reference: ReferenceSlice, reading: SliceReading) -> None:
        found = _FOUND[self._target](reading)
        agreed = agreement(found, reference.reference, self._spacing)
        drawn = 100.0 * float(reference.reference.mean())
        self.named.append(NamedAgreement(reference.name, agreed, drawn))
        if self._target is Target.LESION:
            simple = threshold_lesions(_hounsfield(reference), reading.lungs > 0)
            self.floor.append(agreement(simple, reference.reference, self._spacing))
        if self._keep:
            shown = ShownSlice(
                reference.name, _shown_grey(reference), found, reference.reference, agreed.dice
            )
            self.worst = sorted([*self.worst, shown], key=lambda slice_: slice_.dice)[:WORST]


def _hounsfield(reference: ReferenceSlice) -> NDArray[np.float32]:
    if reference.hounsfield is not None:
        return reference.hounsfield
    assert reference.grey is not None  # one of the two is there
    return grey_to_hounsfield(reference.grey)


def _shown_grey(reference: ReferenceSlice) -> NDArray[np.uint8]:
    if reference.grey is not None:
        return reference.grey
    low, high = _SHOWN_WINDOW_HU
    share = np.clip((_hounsfield(reference) - low) / (high - low), 0.0, 1.0)
    grey: NDArray[np.uint8] = (255.0 * share).astype(np.uint8)
    return grey


def _read(reader: ChestSliceReader, reference: ReferenceSlice, more_turns: int = 0) -> SliceReading:
    if reference.grey is not None:
        return reader.read_grey(np.ascontiguousarray(np.rot90(reference.grey, more_turns)))
    turned = np.ascontiguousarray(np.rot90(_hounsfield(reference), more_turns))
    return reader.read_hounsfield(turned)


def _remark_on_turns(
    reader: ChestSliceReader, slices: Sequence[ReferenceSlice], target: Target, degrees: int
) -> None:
    """Say so when another turn fits clearly better: a wrong --rotate spoils every figure.

    A remark and nothing else: what was asked for is what is evaluated.
    """
    probed = slices[:: max(1, len(slices) // _PROBED)][:_PROBED]
    means = []
    for turns in range(4):
        found = [np.rot90(_FOUND[target](_read(reader, one, turns)), -turns) for one in probed]
        pairs = zip(found, probed, strict=True)
        means.append(float(np.mean([agreement(mask, one.reference).dice for mask, one in pairs])))
    best = int(np.argmax(means))
    if means[best] > means[0] + _CLEARLY_BETTER:
        other = (degrees + 90 * best) % 360
        console.print(
            f"[bold yellow]Remark[/]: on {len(probed)} slices --rotate {other} gives a mean Dice "
            f"of {means[best]:.2f}, --rotate {degrees} one of {means[0]:.2f}"
        )


def evaluate_segmentation(
    source: tuple[Path, Path] | Path,
    target: Target,
    degrees: int,
    choice: Choice,
    settings: Settings,
    *,
    pixel_mm: float | None = None,
) -> dict[str, Any]:
    """Segment every slice and compare with its reference mask.

    Parameters
    ----------
    source : folders of images and masks, or one npz file
    degrees : 0, 90, 180 or 270, by which images and masks are turned anticlockwise first
    pixel_mm : side of a pixel; None when it is not known, and distances are in pixels

    Returns
    -------
    The JSON object.

    Raises
    ------
    SettingsRefused
        An image or a mask is missing or cannot be read.
    BundleRejected
        There is no such bundle.
    """
    choice.check_report()
    slices = list(_slices(source, target, degrees))
    if not slices:
        raise SettingsRefused(f"There is no slice in {source}")
    bundle = choice.find(settings)
    reader = open_slice_reader(bundle, choice, settings)
    _remark_on_turns(reader, slices, target, degrees)
    tally = _Tally(target, pixel_mm, keep=choice.report is not None)
    for reference in shown_progress(slices, "Reading slices", len(slices)):
        tally.add(reference, _read(reader, reference))
    scores = score_masks([one.agreement for one in tally.named])
    floor = score_masks(tally.floor) if tally.floor else None
    unit = "mm" if pixel_mm is not None else "pixels"
    if choice.report is not None:
        facts = [
            *bundle_facts(bundle),
            ("Target", target.value),
            ("Slices", str(scores.count)),
            ("Turned", f"{degrees}° anticlockwise"),
        ]
        page = segmentation_page(facts, scores, tally.named, tally.worst, unit, floor)
        write_report(choice.report, page)
    return {
        **scores.entries(),
        "unit": unit,
        "target": target.value,
        "rotate": degrees,
        **_floor_entries(floor),
        **bundle_entries(bundle),
    }


def _slices(
    source: tuple[Path, Path] | Path, target: Target, degrees: int
) -> Iterable[ReferenceSlice]:
    turns = degrees // 90
    if isinstance(source, Path):
        return slices_of_npz(source, target, turns)
    return slices_of_folders(*source, target, turns)


def _floor_entries(floor: MaskScores | None) -> dict[str, Any]:
    return {} if floor is None else floor.dice.entries("floor_dice_mean")
