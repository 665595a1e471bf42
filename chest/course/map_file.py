"""The map of a chest on disk: what a later study of the patient is compared with."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chest.values.chest_map import ChestMap, MappedLesion
from chest.values.figures import Side
from chest.values.territory import Territory

_ARRAYS = (
    "hounsfield",
    "lungs",
    "lung_share",
    "lesion_share",
    "lesion_hounsfield",
    "lesion_numbers",
    "territories",
)
_VERSION = 1  # of what the file holds


def chest_map_bytes(chest: ChestMap) -> bytes:
    """A map as a file holds it.

    An npz file: the arrays of `ChestMap`, its `affine`, and `facts`, the rest as JSON.
    """
    facts = {
        "version": _VERSION,
        "names": {str(value): territory.value for value, territory in chest.names.items()},
        "lesions": [{**asdict(one), "side": one.side.value} for one in chest.lesions],
    }
    arrays: dict[str, NDArray[Any]] = {one: getattr(chest, one) for one in _ARRAYS}
    arrays["affine"] = chest.affine
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)  # type: ignore[arg-type]  # its stubs say bool
    return written.getvalue()


def read_chest_map(path: Path) -> ChestMap | None:
    """Read back what `chest_map_bytes` gave; None when it is gone, damaged or of another version.

    A prior study that cannot be compared must not cost the new one its result.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            facts = json.loads(kept["facts"].tobytes())
            if facts["version"] != _VERSION:
                return None
            return ChestMap(
                affine=kept["affine"],
                names={int(value): Territory(name) for value, name in facts["names"].items()},
                lesions=tuple(_lesion(one) for one in facts["lesions"]),
                **{one: kept[one] for one in _ARRAYS},
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _lesion(facts: dict[str, Any]) -> MappedLesion:
    x, y, z = facts["place_mm"]
    return MappedLesion(**{**facts, "place_mm": (x, y, z), "side": Side(facts["side"])})
