"""The algorithm behind a finding, and the processor that its networks run on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ExecutionProvider(StrEnum):
    """Where models run. `AUTO` takes CUDA when ONNX Runtime has it, otherwise the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class AlgorithmIdentity:
    """The model behind a result (PS3.16 TID 1004 and TID 4019).

    `bundle_digest` is the SHA-256 over the files of the bundle, as hexadecimal text: two bundles
    that share a name and version but not a digest are different algorithms.
    """

    name: str
    version: str
    bundle_digest: str
    manufacturer: str = "Firstread"

    @property
    def label(self) -> str:
        """Name and version as one line, for pictures and logs."""
        return f"{self.name} {self.version}"
