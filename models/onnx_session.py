"""Run a bundle's network. The only module that imports onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import ExecutionProvider

OnProgress = Callable[[int, int], None]
"""Called with slices done and slices in all."""

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_AT_ONCE = {CPU: 4, CUDA: 32}  # patches; on a CPU more only costs cache
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


def _check_shapes(session: ort.InferenceSession, bundle: Bundle) -> None:
    inputs = {entry.name: list(entry.shape) for entry in session.get_inputs()}
    size = bundle.grid.size
    if list(inputs) != [bundle.grid.name] or inputs[bundle.grid.name][1:] != [1, size, size]:
        raise BundleRejected("The network's input is not the declared one")
    outputs = {entry.name: list(entry.shape) for entry in session.get_outputs()}
    for declared in (bundle.lung, bundle.lesion):
        if outputs.get(declared.name, [])[1:] != [len(declared.classes), size, size]:
            raise BundleRejected("The network's output is not the declared one", kind=declared.kind)


def check_network(bundle: Bundle) -> None:
    """Load the network on the CPU, without running it, and compare it with the declaration.

    Raises
    ------
    BundleRejected
        It cannot be loaded, or has other inputs or outputs.
    """
    _check_shapes(_open(bundle.network, [CPU], threads=1), bundle)


def run_on_cpu(
    network: Path, outputs: Sequence[str], inputs: Mapping[str, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Run a network that is in no bundle yet, once; the export compares it with PyTorch.

    Raises
    ------
    BundleRejected
        It cannot be loaded.
    """
    session = _open(network, [CPU], threads=0)
    answers: list[NDArray[np.float32]] = session.run(list(outputs), dict(inputs))
    return answers


class NetworkSession:
    """A loaded network, ready to run. Make it after the fork, keep it for the process's life.

    Parameters
    ----------
    bundle : whose network to load
    provider : what to run on; AUTO takes CUDA when present
    threads : of the CPU; 0 for one for each core

    Raises
    ------
    BundleRejected
        The network is not the declared one.
    SettingsRefused
        CUDA is demanded and not there.

    Attributes
    ----------
    provider : the name of the provider that really runs, as ONNX Runtime calls it
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        threads: int = 0,
    ) -> None:
        self._session = _open(bundle.network, _providers(provider), threads)
        _check_shapes(self._session, bundle)
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
