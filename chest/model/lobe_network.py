"""The network of a bundle that says where lobes are likely by the shape of the lungs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chest.lobes.by_shape import GRID, ORDER, Floats
from models.onnx_session import TensorSession
from radiology.errors import BundleRejected

INPUT, OUTPUT = "lungs", "lobes"


class LobeNetwork:
    """It runs on the CPU: a hundredth of what a study takes. Make it after the fork.

    Raises
    ------
    BundleRejected
        The file is no such network.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._session = TensorSession(path, threads=threads)
        fed, said = self._session.inputs.get(INPUT), self._session.outputs.get(OUTPUT)
        shapes = (fed and fed.shape, said and said.shape)
        if shapes != ((1, 2, *GRID), (1, len(ORDER), *GRID)):
            grid = " x ".join(map(str, GRID))
            raise BundleRejected(
                f'A network of lobes takes "{INPUT}", two masks of {grid}, and answers "{OUTPUT}" '
                "for five lobes",
                file=path.name,
            )

    def likely(self, lungs: Floats) -> Floats:
        """Run once; see `chest.lobes.by_shape.LobesByShape`."""
        (answer,) = self._session.run({INPUT: np.ascontiguousarray(lungs[None])}, [OUTPUT])
        said: Floats = answer[0]
        return said
