"""A process that reads no studies holds no library of models or of objects in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODELS = ("onnxruntime", "scipy.ndimage", "cc3d", "chest")
OBJECTS = ("highdicom",)


@pytest.mark.parametrize(
    ("module", "not_wanted"),
    [
        ("worker.tasks.delivery", (*MODELS, *OBJECTS)),
        ("worker.tasks.flags", (*MODELS, *OBJECTS)),
        ("worker.tasks.housekeeping", (*MODELS, *OBJECTS)),
        ("worker.tasks.retrieval", (*MODELS, *OBJECTS)),
        ("worklist.app", (*MODELS, *OBJECTS)),
        ("dicom_node.__main__", (*MODELS, *OBJECTS)),
    ],
)
def test_a_process_imports_what_it_needs(module: str, not_wanted: tuple[str, ...]) -> None:
    """As it starts; what an odd moment needs is imported then."""
    asked = f"import sys, {module}; print(*sorted(set({not_wanted!r}) & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == []
