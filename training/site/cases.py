"""Read a site's own labelled cases, and refuse what cannot be trained on with a reason.

    new-cases/
      images/      slices: 8-bit PNG or JPEG, or single CT instances (DICOM)
      masks/       PNG of the same names: where the lesions are
      lungs/       PNG of the same names: where the lungs are; may be missing, whole or in part
      labels.csv   file, covid (1, 0 or empty), patient; may be missing

A mask has 0 for none, 1 for ground glass and 2 for consolidation; or two levels only, which says
where, not what. Without `masks/` only the classifier learns, without labels only the segmentation.
A case is only ever named by its file names: patients are known by digests.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radiology.errors import FirstreadError, SettingsRefused
from training.data.figures import ASKED_OF_NOBODY
from training.data.slices import LESION_NONE, LESION_OF_UNKNOWN_KIND
from training.site.labels import CasesRefused, Label, read_site_labels
from training.site.pictures import Mask, Picture, read_levels, read_picture

LEAST_CASES = 8  # two to hold out and six to learn from: fewer teach and tell nothing (ours)
_NO_SUFFIX = {"", ".dcm"}
_SUFFIXES = {".png", ".jpg", ".jpeg", *_NO_SUFFIX}
_KINDS = {0, 1, 2}


@dataclass(frozen=True)
class SiteSlice:
    """One slice with whatever is known of it; its pixels are read when they are needed.

    Attributes
    ----------
    case : digest of the patient, or of the file's name where no patient is named
    digest : sha256 of its pixels: the same slice under any name
    mask, lungs : files, None where there is none
    several : whether the folder's masks tell kinds of lesions apart
    viral : 1 COVID-19, 0 not, −1 nobody said
    """

    path: Path
    case: str
    digest: str
    mask: Path | None
    lungs: Path | None
    several: bool
    viral: int

    @property
    def name(self) -> str:
        """What the user called it."""
        return self.path.name

    def picture(self) -> Picture:
        """Its pixels, upright, in HU."""
        return read_picture(self.path)

    def lesion(self, picture: Picture) -> Mask:
        """Labels of `training.data.slices`, shape of the picture; there must be a mask."""
        assert self.mask is not None
        levels = picture.upright(read_levels(self.mask))
        if self.several:
            return levels
        return np.where(levels > 0, LESION_OF_UNKNOWN_KIND, LESION_NONE).astype(np.uint8)

    def lung(self, picture: Picture) -> NDArray[np.bool_] | None:
        """Where either lung is, shape of the picture; None where nobody drew it."""
        if self.lungs is None:
            return None
        drawn: NDArray[np.bool_] = picture.upright(read_levels(self.lungs)) > 0
        return drawn


@dataclass(frozen=True)
class SiteCases:
    """All slices of a folder.

    Attributes
    ----------
    named : whether patients are known, so that slices of one never stand on both sides
    """

    slices: tuple[SiteSlice, ...]
    named: bool

    @property
    def masked(self) -> bool:
        """Whether lesions were drawn."""
        return any(one.mask is not None for one in self.slices)

    @property
    def digest(self) -> str:
        """sha256 over pixels, masks, labels and patients, in any order of files."""
        lines = []
        for case_slice in self.slices:
            drawn = [
                hashlib.sha256(path.read_bytes()).hexdigest() if path else "-"
                for path in (case_slice.mask, case_slice.lungs)
            ]
            lines.append(
                " ".join((case_slice.digest, case_slice.case, str(case_slice.viral), *drawn))
            )
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _case_of(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\0{value}".encode()).hexdigest()[:16]


def _by_stem(folder: Path, suffixes: set[str], problems: list[str]) -> dict[str, Path]:
    """Files by name without suffix; what else lies there is a problem, not passed over."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() or path.suffix.lower() not in suffixes:
            wanted = ", ".join(sorted(suffixes - {""}))
            problems.append(f"{folder.name}/{path.name} is none of {wanted}")
        elif path.stem in found:
            other = found[path.stem].name
            problems.append(f"{folder.name}: {other} and {path.name} have the same name")
        else:
            found[path.stem] = path
    return found


def _mask_levels(masks: Mapping[str, Path], problems: list[str]) -> bool:
    """Whether the masks of a folder tell ground glass from consolidation.

    All are looked at together: a slice with one kind alone does not say which numbers are used.
    """
    seen: set[int] = set()
    odd: list[str] = []
    for path in masks.values():
        try:
            levels = set(np.unique(read_levels(path)).tolist())
        except SettingsRefused:
            continue  # said once, where the mask is held against its slice
        seen |= levels
        if len(levels) > 2 and not levels <= _KINDS:
            odd.append(path.name)
    if seen <= _KINDS:
        return 2 in seen
    if len(seen - {0}) > 1:
        shown = odd[0] if odd else next(iter(masks.values())).name
        problems.append(
            f"masks/ has the levels {', '.join(map(str, sorted(seen)[:6]))} ({shown}): use 0, 1 "
            "(ground glass) and 2 (consolidation), or black and white"
        )
    return False


def _check_drawn(picture: Picture, drawn: Path | None, problems: list[str]) -> None:
    if drawn is None:
        return
    where = f"{drawn.parent.name}/{drawn.name}"
    try:
        shape = read_levels(drawn).shape
    except SettingsRefused as error:
        problems.append(f"{where}: {error.message}")
        return
    if shape != picture.shape:
        problems.append(
            f"{where} has {shape[0]} × {shape[1]} pixels, its slice {picture.shape[0]} × "
            f"{picture.shape[1]}"
        )


def _read_slices(
    images: Mapping[str, Path],
    drawn: tuple[Mapping[str, Path], Mapping[str, Path]],
    labels: Mapping[str, Label],
    problems: list[str],
) -> tuple[list[SiteSlice], list[bool]]:
    masks, lungs = drawn
    several = _mask_levels(masks, problems)
    slices: list[SiteSlice] = []
    named: list[bool] = []
    for stem, path in images.items():
        try:
            picture = read_picture(path)
        except FirstreadError as error:
            problems.append(f"images/{path.name}: {error.message}")
            continue
        mask, lung = masks.get(stem), lungs.get(stem)
        for outline in (mask, lung):
            _check_drawn(picture, outline, problems)
        label = labels.get(path.name, Label(ASKED_OF_NOBODY, ""))
        patient = label.patient or picture.patient
        named.append(bool(patient))
        case = _case_of("patient", patient) if patient else _case_of("file", stem)
        slices.append(SiteSlice(path, case, picture.digest, mask, lung, several, label.viral))
    return slices, named


def _twins(slices: list[SiteSlice]) -> list[str]:
    """The same pixels under two names would stand on both sides of the split."""
    count = Counter(one.digest for one in slices)
    first: dict[str, str] = {}
    said = []
    for case_slice in slices:
        if count[case_slice.digest] > 1:
            other = first.setdefault(case_slice.digest, case_slice.name)
            if other != case_slice.name:
                said.append(f"images/{other} and images/{case_slice.name} are the same picture")
    return said


def read_site_cases(folder: Path) -> SiteCases:
    """Read and check a folder of new cases.

    Raises
    ------
    CasesRefused
        With everything that is wrong, by name of file.
    """
    if not (folder / "images").is_dir():
        raise CasesRefused(folder, ["there is no folder images/ in it"])
    problems: list[str] = []
    images = _by_stem(folder / "images", _SUFFIXES, problems)
    masks, lungs = (
        _by_stem(folder / name, {".png"}, problems) if (folder / name).is_dir() else {}
        for name in ("masks", "lungs")
    )
    labels = read_site_labels(folder / "labels.csv", {p.name for p in images.values()}, problems)
    for name, there in (("masks", masks), ("lungs", lungs)):
        problems += [f"{name}/{there[stem].name} belongs to no slice" for stem in there
                     if stem not in images]  # fmt: skip
    if (folder / "masks").is_dir():
        problems += [
            f"masks/ has none for {path.name}; a slice without lesions needs an empty one"
            for stem, path in images.items()
            if stem not in masks
        ]
    elif not any(label.viral != ASKED_OF_NOBODY for label in labels.values()):
        problems.append("there is neither masks/ nor a labels.csv with labels: nothing to learn")
    slices, named = _read_slices(images, (masks, lungs), labels, problems)
    problems += _twins(slices)
    if any(named) and not all(named):
        odd = slices[named.index(False)].name
        problems.append(f"a patient is named for some slices, but not for {odd}")
    cases = len({one.case for one in slices})
    if cases < LEAST_CASES:
        problems.append(f"there are {cases} cases that can be read; at least {LEAST_CASES} needed")
    if problems:
        raise CasesRefused(folder, problems)
    return SiteCases(tuple(slices), all(named))
