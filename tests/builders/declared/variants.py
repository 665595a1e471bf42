"""The 3-D segmenter under other names, with other rules or another destination."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders.declared.patch_segmenter import declaration, network
from tests.builders.declared.write import released, write_declared


def write_variant(root: Path, name: str, **sections: Any) -> Path:
    """Write the segmenter as another bundle; returns its folder.

    Parameters
    ----------
    sections : of the declaration, in place of those that it has
    """
    changed = {**declaration(), "name": name, "algorithm": released(name)["algorithm"], **sections}
    return write_declared(root, changed, {"dense.onnx": network()})
