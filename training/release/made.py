"""How a bundle was made, so that anybody can make it again."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

_NAMED = ("torch", "numpy", "onnx", "onnxruntime", "scipy")


@dataclass(frozen=True)
class Made:
    """Seeds, versions, data, time.

    Attributes
    ----------
    data : folder of training data to sha256 over the names and sha256 of its files
    steps : of each stage
    minutes : of training and scoring in this run; stages that a checkpoint had finished take none
    resumed : whether some stage went on from a checkpoint of an earlier run
    """

    seed: int
    steps: dict[str, int]
    data: dict[str, str]
    versions: dict[str, str]
    machine: str
    minutes: float
    resumed: bool
    remark: str

    def entries(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def versions_used() -> dict[str, str]:
    """Python and the libraries that decide what comes out."""
    return {"python": platform.python_version(), **{name: version(name) for name in _NAMED}}


def machine_used() -> str:
    """Kind and number of processors; no name of the machine."""
    return f"{platform.machine()}, {os.cpu_count()} CPU cores, no GPU"


def data_digests(data: Path) -> dict[str, str]:
    """sha256 of every folder of training data, over the sorted names and contents of its files."""
    digests = {}
    for folder in sorted(path for path in (data / "training").iterdir() if path.is_dir()):
        total = hashlib.sha256()
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
        digests[folder.name] = total.hexdigest()
    return digests
