"""The two networks of a schema 2 bundle, loaded: one segments, one classifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.declared.network_files import Precision
from models.onnx_session import CPU, CUDA, Tensor, TensorSession, open_network
from models.schema_2.bundle import Bundle
from models.schema_2.networks import HEAT_STEP, Classification
from models.schema_2.view import CHANNELS
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected

OnProgress = Callable[[int, int], None]
"""Called with slices done and slices in all."""

_AT_ONCE = {CPU: 4, CUDA: 32}  # patches; on a CPU more only costs cache


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int | None, ...]]:
    """Shapes without the first axis, by name; a tensor that is not float32 has none."""
    return {name: one.shape[1:] for name, one in tensors.items() if one.is_float32}


def _check_segmentation(session: TensorSession, bundle: Bundle) -> None:
    size = bundle.grid.size
    if _shapes(session.inputs) != {bundle.grid.name: (1, size, size)}:
        raise BundleRejected("The network's input is not the declared one")
    outputs = _shapes(session.outputs)
    for declared in (bundle.lung, bundle.lesion):
        if outputs.get(declared.name) != (len(declared.classes), size, size):
            raise BundleRejected("The network's output is not the declared one", kind=declared.kind)


def _check_classification(session: TensorSession, declared: Classification) -> None:
    size, cells = declared.size, declared.size // HEAT_STEP
    if _shapes(session.inputs) != {declared.name: (len(CHANNELS), size, size)}:
        raise BundleRejected("The classifier's input is not the declared one")
    outputs = _shapes(session.outputs)
    members = outputs.get(declared.viral, ())
    if len(members) != 1 or members[0] is None:
        raise BundleRejected("The classifier's output is not the declared one", kind="viral")
    for kind, name, shape in (
        ("signs", declared.signs, (len(declared.sign_thresholds),)),
        ("heat", declared.heat, (cells, cells)),
    ):
        if outputs.get(name) != shape:
            raise BundleRejected("The classifier's output is not the declared one", kind=kind)


def check_networks(bundle: Bundle) -> None:
    """Load every network on the CPU, without running it, and compare it with the declaration.

    Raises
    ------
    BundleRejected
        One cannot be loaded, or has other inputs or outputs.
    """
    networks = bundle.networks
    for precision in networks.segmentation.precisions:
        path = networks.segmentation.path(precision)
        _check_segmentation(TensorSession(path, threads=1), bundle)
    if networks.classification is not None and bundle.classification is not None:
        for precision in networks.classification.precisions:
            path = networks.classification.path(precision)
            _check_classification(TensorSession(path, threads=1), bundle.classification)


class NetworkSession:
    """A loaded segmentation network. Make it after the fork, keep it for the process's life.

    Parameters
    ----------
    bundle : whose network to load
    provider : what to run on; AUTO takes CUDA when present
    threads : of the CPU; 0 for one for each core
    precision : None for the bundle's choice for the provider

    Raises
    ------
    BundleRejected
        The network is not the declared one.
    SettingsRefused
        CUDA is demanded and not there.

    Attributes
    ----------
    provider : the name of the provider that really runs, as ONNX Runtime calls it
    precision : what was opened
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        threads: int = 0,
        precision: Precision | None = None,
    ) -> None:
        self._session, self.precision = open_network(
            bundle.networks.segmentation, provider=provider, threads=threads, precision=precision
        )
        _check_segmentation(self._session, bundle)
        self.bundle = bundle
        self.provider = self._session.provider
        self._at_once = _AT_ONCE.get(self.provider, _AT_ONCE[CPU])

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for the allocations."""
        size = self.bundle.grid.size
        self._run(np.zeros((self._at_once, 1, size, size), dtype=np.float32))

    def _run(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        names = [self.bundle.lung.name, self.bundle.lesion.name]
        answer = self._session.run({self.bundle.grid.name: patches}, names)
        return answer[0], answer[1]

    def run(
        self, patches: NDArray[np.float32], on_progress: OnProgress | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Run patch after patch, a few at once.

        Parameters
        ----------
        patches : shape (slices, 1, size, size), 0…1
        on_progress : told after every few patches

        Yields
        ------
        The index of the first patch, and probabilities of lung and lesion classes, each of
        shape (a few, classes, size, size). The caller reduces them at once: all together would
        take 1.5 MB a slice.
        """
        total = patches.shape[0]
        for first in range(0, total, self._at_once):
            part = patches[first : first + self._at_once]
            lung, lesion = self._run(part)
            yield first, lung, lesion
            if on_progress is not None:
                on_progress(first + part.shape[0], total)


class ClassifierSession:
    """A bundle's loaded classifier, ready to run; parameters and errors as `NetworkSession`."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        threads: int = 0,
        precision: Precision | None = None,
    ) -> None:
        if bundle.classification is None or bundle.networks.classification is None:
            raise BundleRejected("The bundle has no classifier", name=bundle.name)
        self._session, self.precision = open_network(
            bundle.networks.classification, provider=provider, threads=threads, precision=precision
        )
        self.declared = bundle.classification
        _check_classification(self._session, self.declared)
        self.provider = self._session.provider
        self._at_once = _AT_ONCE.get(self.provider, _AT_ONCE[CPU])

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for the allocations."""
        size = self.declared.size
        self.run(np.zeros((1, len(CHANNELS), size, size), dtype=np.float32))

    def run(
        self, views: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Classify views, a few at once.

        Parameters
        ----------
        views : shape (n, 5, size, size), from `models.schema_2.view.lung_view`

        Returns
        -------
        Viral probabilities (n, members), probabilities of the signs (n, 5) in the order of
        `models.schema_2.sign.Sign`, and heat maps (n, size / 8, size / 8), 0…1.
        """
        names = [self.declared.viral, self.declared.signs, self.declared.heat]
        parts = [
            self._session.run({self.declared.name: views[first : first + self._at_once]}, names)
            for first in range(0, views.shape[0], self._at_once)
        ]
        viral, signs, heat = (np.concatenate(part) for part in zip(*parts, strict=True))
        return viral, signs, heat
