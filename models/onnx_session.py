"""Run a bundle's networks. The only module that imports onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)

from models.bundle import Bundle
from models.declared.networks import HEAT_STEP, Classification, NetworkFiles, Precision
from models.view import CHANNELS
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, SettingsRefused

OnProgress = Callable[[int, int], None]
"""Called with slices done and slices in all."""

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_AT_ONCE = {CPU: 4, CUDA: 32}  # patches; on a CPU more only costs cache
_FLOAT32 = "tensor(float)"
_ERRORS_SHOWN_ONLY = 3  # ONNX Runtime's severity scale


def _providers(wanted: ExecutionProvider) -> list[str | tuple[str, dict[str, str]]]:
    """Which providers to ask for.

    Raises
    ------
    SettingsRefused
        CUDA is demanded, but this ONNX Runtime has none.
    """
    has_cuda = CUDA in ort.get_available_providers()
    if wanted is ExecutionProvider.CUDA and not has_cuda:
        raise SettingsRefused("CUDA was asked for, but ONNX Runtime here has no CUDA provider")
    if wanted is ExecutionProvider.CPU or not has_cuda:
        return [CPU]
    # The default strategy doubles the arena and keeps it; several workers may share one GPU.
    return [(CUDA, {"arena_extend_strategy": "kSameAsRequested"}), CPU]


def _open(
    network: Path, providers: list[str | tuple[str, dict[str, str]]], threads: int
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_SHOWN_ONLY
    try:
        return ort.InferenceSession(network, options, providers=providers)
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        raise BundleRejected("The network is not one that ONNX Runtime can load") from error


def _shapes(entries: Sequence[Any]) -> dict[str, list[Any]]:
    """Shapes without the first axis, by name; an entry that is not float32 has none."""
    return {one.name: list(one.shape)[1:] for one in entries if one.type == _FLOAT32}


def _check_segmentation(session: ort.InferenceSession, bundle: Bundle) -> None:
    size = bundle.grid.size
    if _shapes(session.get_inputs()) != {bundle.grid.name: [1, size, size]}:
        raise BundleRejected("The network's input is not the declared one")
    outputs = _shapes(session.get_outputs())
    for declared in (bundle.lung, bundle.lesion):
        if outputs.get(declared.name) != [len(declared.classes), size, size]:
            raise BundleRejected("The network's output is not the declared one", kind=declared.kind)


def _check_classification(session: ort.InferenceSession, declared: Classification) -> None:
    size, cells = declared.size, declared.size // HEAT_STEP
    if _shapes(session.get_inputs()) != {declared.name: [len(CHANNELS), size, size]}:
        raise BundleRejected("The classifier's input is not the declared one")
    outputs = _shapes(session.get_outputs())
    members = outputs.get(declared.viral, [])
    if len(members) != 1 or not isinstance(members[0], int):
        raise BundleRejected("The classifier's output is not the declared one", kind="viral")
    for kind, name, shape in (
        ("signs", declared.signs, [len(declared.sign_thresholds)]),
        ("heat", declared.heat, [cells, cells]),
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
        _check_segmentation(_open(path, [CPU], threads=1), bundle)
    if networks.classification is not None and bundle.classification is not None:
        for precision in networks.classification.precisions:
            path = networks.classification.path(precision)
            _check_classification(_open(path, [CPU], threads=1), bundle.classification)


def _open_fitting(
    files: NetworkFiles,
    provider: ExecutionProvider,
    threads: int,
    precision: Precision | None,
) -> tuple[ort.InferenceSession, Precision]:
    """Open the file that suits what it will run on, or the one that was asked for."""
    providers = _providers(provider)
    if precision is None:
        precision = files.on_cpu if providers == [CPU] else Precision.FLOAT32
        session = _open(files.path(precision), providers, threads)
        # A GPU that is there but cannot be used leaves ONNX Runtime on the CPU.
        if session.get_providers()[0] != CPU or precision is files.on_cpu:
            return session, precision
        precision = files.on_cpu
    return _open(files.path(precision), providers, threads), precision


def runner_on_cpu(
    network: Path, input_name: str, outputs: Sequence[str], threads: int = 0
) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Load a network that is in no bundle yet; the export compares it with PyTorch.

    Returns
    -------
    What runs it on one input and gives its outputs in the order of `outputs`.

    Raises
    ------
    BundleRejected
        It cannot be loaded.
    """
    session = _open(network, [CPU], threads=threads)

    def run(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        answers: list[NDArray[np.float32]] = session.run(list(outputs), {input_name: inputs})
        return answers

    return run


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
        self._session, self.precision = _open_fitting(
            bundle.networks.segmentation, provider, threads, precision
        )
        _check_segmentation(self._session, bundle)
        self.bundle = bundle
        self.provider: str = self._session.get_providers()[0]
        self._at_once = _AT_ONCE.get(self.provider, _AT_ONCE[CPU])

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for the allocations."""
        size = self.bundle.grid.size
        self._run(np.zeros((self._at_once, 1, size, size), dtype=np.float32))

    def _run(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        names = [self.bundle.lung.name, self.bundle.lesion.name]
        answer: list[Any] = self._session.run(names, {self.bundle.grid.name: patches})
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
        self._session, self.precision = _open_fitting(
            bundle.networks.classification, provider, threads, precision
        )
        self.declared = bundle.classification
        _check_classification(self._session, self.declared)
        self.provider: str = self._session.get_providers()[0]
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
        views : shape (n, 5, size, size), from `models.view.lung_view`

        Returns
        -------
        Viral probabilities (n, members), probabilities of the signs (n, 5) in the order of
        `radiology.chest.sign.Sign`, and heat maps (n, size / 8, size / 8), 0…1.
        """
        names = [self.declared.viral, self.declared.signs, self.declared.heat]
        parts = [
            self._session.run(names, {self.declared.name: views[first : first + self._at_once]})
            for first in range(0, views.shape[0], self._at_once)
        ]
        viral, signs, heat = (np.concatenate(part) for part in zip(*parts, strict=True))
        return viral, signs, heat
