"""A network as one or two files: float32, and int8 where it was released in it too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.declared.section import DeclarationTable, listing, nearest
from radiology.errors import BundleRejected


class Precision(StrEnum):
    """How a network's weights are stored and multiplied."""

    FLOAT32 = "float32"
    INT8 = "int8"


@dataclass(frozen=True)
class NetworkFiles:
    """One network, as one or two files.

    Attributes
    ----------
    on_cpu : which of them a CPU runs; a GPU always runs float32
    """

    float32: Path
    int8: Path | None
    on_cpu: Precision

    def path(self, precision: Precision) -> Path:
        """The file of a precision.

        Raises
        ------
        BundleRejected
            The network was not released in it.
        """
        path = self.float32 if precision is Precision.FLOAT32 else self.int8
        if path is None:
            raise BundleRejected("The network was not released in this precision", wanted=precision)
        return path

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that it was released in."""
        return (Precision.FLOAT32,) if self.int8 is None else tuple(Precision)


def read_network_files(
    section: DeclarationTable, folder: Path, listed: Collection[str]
) -> NetworkFiles:
    """Read one entry of `networks`."""
    float32 = _read_file(section, "float32", folder, listed)
    int8 = _read_file(section, "int8", folder, listed) if section.has("int8") else None
    on_cpu = section.choice("on_cpu", Precision) if section.has("on_cpu") else Precision.FLOAT32
    if on_cpu is Precision.INT8 and int8 is None:
        raise section.problem(
            "on_cpu", "the network has no int8 file", 'Add int8 = "…", or write "float32".'
        )
    section.close()
    return NetworkFiles(float32, int8, on_cpu)


def _read_file(section: DeclarationTable, key: str, folder: Path, listed: Collection[str]) -> Path:
    name = section.text(key)
    if name not in listed:
        cure = f"{nearest(name, listed)}Listed are {listing(sorted(listed))}."
        raise section.problem(key, f'"{name}" is not listed in [files]', cure)
    return folder / name
