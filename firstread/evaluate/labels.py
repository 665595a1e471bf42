"""Reads labels of slices from a CSV file, finds their images, and says which rows do not count."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.statistics.subgroups import age_group
from radiology.errors import SettingsRefused

_NEEDED = ("file", "covid")
_SPLIT = "official_split"
_EXCLUDED = "exclude_contradictory_duplicate"
_GROUPS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "sex": ("sex", str.strip),
    "age": ("age group", lambda text: age_group(_years(text))),
    "manufacturer": ("manufacturer", lambda text: text.strip().upper()),
}
"""Columns that a site may add: the attribute that each becomes, and how its text is read."""


@dataclass(frozen=True)
class LabelledImage:
    """One row: an image, what is true of it, and the groups that its patient belongs to."""

    name: str
    path: Path
    positive: bool
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Labels:
    """The rows of a CSV file that are evaluated.

    Attributes
    ----------
    excluded : rows left out because the same image stands in both classes
    """

    images: tuple[LabelledImage, ...]
    excluded: int

    @property
    def attributes(self) -> dict[str, list[str]]:
        """One value for each image, for every attribute that the file has a column for."""
        names = self.images[0].groups if self.images else {}
        return {name: [one.groups[name] for one in self.images] for name in names}


def _years(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_labels(path: Path, folder: Path, split: str | None = None) -> Labels:
    """Read labels and find the image of each row.

    Parameters
    ----------
    path : CSV with the columns `file` and `covid` (0 or 1); `official_split` where `split` is
        given; rows with 1 under `exclude_contradictory_duplicate` do not count
    folder : that the names under `file` start from; an image that lies elsewhere in it is found
        by its name, if only one has that name
    split : evaluate only rows of this `official_split`

    Raises
    ------
    SettingsRefused
        Something is missing or does not fit; the message names the file and says what to do.
    """
    rows = _rows(path)
    if split is not None:
        rows = _of_split(rows, path, split)
    counted = [row for row in rows if row.get(_EXCLUDED, "").strip() != "1"]
    if not counted:
        raise SettingsRefused(f"{path} has no row that counts")
    find = _Finder(folder)
    images = tuple(
        LabelledImage(
            name=row["file"],
            path=find(row["file"]),
            positive=_truth(row, path),
            groups={
                name: read(row[column]) for column, (name, read) in _GROUPS.items() if column in row
            },
        )
        for row in counted
    )
    return Labels(images, excluded=len(rows) - len(counted))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            # A row that is too short has None in it, which no text operation bears.
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    except OSError as error:
        raise SettingsRefused(f"The labels {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsRefused(f"{path} is not a CSV file in UTF-8") from error
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise SettingsRefused(
            f"{path} has no column {', '.join(missing)}; it needs at least {', '.join(_NEEDED)}"
        )
    return rows


def _of_split(rows: list[dict[str, str]], path: Path, split: str) -> list[dict[str, str]]:
    there = sorted({row.get(_SPLIT, "") for row in rows} - {""})
    if split not in there:
        raise SettingsRefused(
            f"{path} has no row whose {_SPLIT} is {split}; there are: {', '.join(there) or 'none'}"
        )
    return [row for row in rows if row.get(_SPLIT) == split]


def _truth(row: Mapping[str, str], path: Path) -> bool:
    value = row["covid"].strip()
    if value not in ("0", "1"):
        raise SettingsRefused(f"In {path} the row of {row['file']} has no label 0 or 1 under covid")
    return value == "1"


class _Finder:
    """Finds images below a folder; looks through all of it only when a name leads nowhere."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SettingsRefused(f"There is no folder {folder}; name the one with the images")
        self._folder = folder
        self._by_name: dict[str, list[Path]] | None = None

    def __call__(self, name: str) -> Path:
        direct = self._folder / name
        if direct.is_file():
            return direct
        if self._by_name is None:
            self._by_name = _grouped(self._folder.rglob("*"))
        found = self._by_name.get(Path(name).name, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise SettingsRefused(
                f"{len(found)} images below {self._folder} are called {Path(name).name}, and none "
                f"lies at {name}"
            )
        raise SettingsRefused(
            f"The labels name {name}, which is not in {self._folder}; --images is the folder that "
            "the names in the labels start from"
        )


def _grouped(paths: Iterable[Path]) -> dict[str, list[Path]]:
    grouped: dict[str, list[Path]] = {}
    for path in sorted(paths):
        if path.is_file():
            grouped.setdefault(path.name, []).append(path)
    return grouped
