"""Tables in Markdown, for values that come from settings and from the standard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.uid import UID

NONE = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of prose; a vertical line within a cell would begin another."""
    lines = [head, ["---"] * len(head), *rows]
    return (
        "\n".join(f"| {' | '.join(cell or NONE for cell in line)} |" for line in lines)
        .replace("| --- ", "|---")
        .replace("--- |", "---|")
    )


def value(text: object) -> str:
    """Something that a site has chosen, as it stands there."""
    plain = str(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "'")
    return f"`{plain}`" if plain else NONE


def named(uid: UID) -> str:
    """What the standard calls a UID; "Retired" is said where it says so."""
    name = _NAMES.get(uid, uid.name).removesuffix(" SOP Class")
    return f"{name} (retired)" if uid.is_retired and "etired" not in name else name


# As in PS3.6 Table A-1, where the dictionary of pydicom is older.
_NAMES = {
    UID("1.2.840.10008.5.1.4.1.1.66.7"): "Label Map Segmentation Storage",
    UID("1.2.840.10008.5.1.4.1.1.9.100.1"): "Waveform Presentation State Storage",
    UID("1.2.840.10008.5.1.4.1.1.9.100.2"): "Waveform Acquisition Presentation State Storage",
}
