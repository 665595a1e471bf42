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


def test_what_parts_share_belongs_to_no_queue() -> None:
    """A supervisor has no library of one part, and none of its forks does what another is for."""
    asked = (
        "import sys;"
        "from firstread.serve.forked_part import import_what_parts_share as share; share();"
        "from celery.signals import worker_process_init, worker_shutdown;"
        "print(*(one for one in sys.modules if one.startswith('worker.tasks.')"
        f" or one in {(*MODELS, *OBJECTS)!r}),"
        "len(worker_process_init.receivers), len(worker_shutdown.receivers))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    said = ended.stdout.split()
    assert sorted(said[:-2]) == [
        "worker.tasks.beat",
        "worker.tasks.end_with_parent",
        "worker.tasks.process",
        "worker.tasks.time_limits",
        "worker.tasks.wake_ups",
    ]
    assert said[-2:] == ["0", "0"]
