"""Run a bundle's networks. The only module that imports onnxruntime."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoModel,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from models.declared.network_files import NetworkFiles, Precision
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, ModelUnavailable, SettingsRefused

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_FLOAT32 = "tensor(float)"
_CANNOT = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoModel,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
    EPFail,
)
_ERRORS_SHOWN_ONLY = 3  # ONNX Runtime's severity scale
_SPINNING = "session.intra_op.allow_spinning"
_SHARED_MEMORY = "session.use_env_allocators"
_EXACT_INT8 = "session.x64quantprecision"  # without effect where the processor has VNNI


def has_cuda() -> bool:
    """Whether ONNX Runtime was built with CUDA; whether there is a GPU only a session tells."""
    return CUDA in ort.get_available_providers()


def _providers(wanted: ExecutionProvider) -> list[str | tuple[str, dict[str, str]]]:
    """Which providers to ask for.

    Raises
    ------
    SettingsRefused
        CUDA is demanded, but this ONNX Runtime has none.
    """
    if wanted is ExecutionProvider.CUDA and not has_cuda():
        raise SettingsRefused("CUDA was asked for, but ONNX Runtime here has no CUDA provider")
    if wanted is ExecutionProvider.CPU or not has_cuda():
        return [CPU]
    # The default strategy doubles the arena and keeps it; several workers may share one GPU.
    return [(CUDA, {"arena_extend_strategy": "kSameAsRequested"}), CPU]


@functools.cache
def _share_memory() -> None:
    """Let all networks of this process use one arena: they run one after the other.

    By itself each session has an arena of its own, which grows in powers of two and never shrinks.
    A chest bundle of three networks then holds 170 MB once it has run, and 310 after a study; with
    one arena 90 and 120, and it takes no longer.
    """
    as_much_as_asked_for = 1
    ort.create_and_register_allocator(
        ort.OrtMemoryInfo(
            "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
        ),
        ort.OrtArenaCfg(
            {
                "max_mem": 0,  # no limit
                "arena_extend_strategy": as_much_as_asked_for,
                "initial_chunk_size_bytes": -1,
                "max_dead_bytes_per_chunk": -1,
            }
        ),
    )


def _open(
    network: Path, providers: list[str | tuple[str, dict[str, str]]], threads: int
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_SHOWN_ONLY
    # A processor without VNNI adds two products of bytes in 16 bits, which saturates: networks in
    # int8 answer wrongly there (lung masks off by 0.69) unless their weights are made unsigned.
    options.add_session_config_entry(_EXACT_INT8, "1")
    # A thread that waits for work lets other processes have its core: the node, the page and other
    # workers share it. Two sessions at once on two cores are a quarter quicker so, one alone 8 %
    # slower.
    options.add_session_config_entry(_SPINNING, "0")
    _share_memory()
    options.add_session_config_entry(_SHARED_MEMORY, "1")
    try:
        return ort.InferenceSession(network, options, providers=providers)
    except _CANNOT as error:
        raise BundleRejected("The network is not one that ONNX Runtime can load") from error


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


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a network, as the file says.

    Attributes
    ----------
    kind : of its elements, as ONNX Runtime writes it: "tensor(float)"
    shape : None for an axis whose length is free
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]

    @property
    def is_float32(self) -> bool:
        """Whether its elements are 32-bit floating point numbers."""
        return self.kind == _FLOAT32


def _tensors(entries: Sequence[Any]) -> dict[str, Tensor]:
    return {
        entry.name: Tensor(
            entry.name,
            entry.type,
            tuple(length if isinstance(length, int) else None for length in entry.shape),
        )
        for entry in entries
    }


class TensorSession:
    """A loaded network of any inputs and outputs. Make it after the fork.

    Parameters
    ----------
    network : its file
    provider : what to run on; AUTO takes CUDA when present
    threads : of the CPU; 0 for one for each core

    Raises
    ------
    BundleRejected
        It cannot be loaded.
    SettingsRefused
        CUDA is demanded and not there.

    Attributes
    ----------
    inputs, outputs : what it takes and answers, by name
    provider : the name of the provider that really runs, as ONNX Runtime calls it
    """

    def __init__(
        self,
        network: Path,
        *,
        provider: ExecutionProvider = ExecutionProvider.CPU,
        threads: int = 0,
    ) -> None:
        self._session = _open(network, _providers(provider), threads)
        self._file = network.name
        self.inputs = _tensors(self._session.get_inputs())
        self.outputs = _tensors(self._session.get_outputs())
        self.provider: str = self._session.get_providers()[0]

    def run(
        self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Run once; returns the outputs in the order that they are asked for.

        Raises
        ------
        BundleRejected
            The network cannot take these inputs after all.
        ModelUnavailable
            It fails as it is run: for want of memory, say. No study is at fault.
        """
        try:
            answers: list[NDArray[np.float32]] = self._session.run(list(outputs), dict(inputs))
        except InvalidArgument as error:
            raise BundleRejected("The network does not take its input", file=self._file) from error
        except _CANNOT as error:
            raise ModelUnavailable("The network fails as it is run", file=self._file) from error
        return answers


def open_network(
    files: NetworkFiles,
    *,
    provider: ExecutionProvider = ExecutionProvider.AUTO,
    threads: int = 0,
    precision: Precision | None = None,
) -> tuple[TensorSession, Precision]:
    """Open the file of a network that suits what it will run on, or the one that is asked for.

    Raises
    ------
    BundleRejected
        It cannot be loaded, or was not released in that precision.
    SettingsRefused
        CUDA is demanded and not there.
    """
    if precision is not None:
        return TensorSession(files.path(precision), provider=provider, threads=threads), precision
    if _providers(provider) != [CPU]:
        session = TensorSession(files.float32, provider=provider, threads=threads)
        # A GPU that is there but cannot be used leaves ONNX Runtime on the CPU.
        if session.provider != CPU or files.on_cpu is Precision.FLOAT32:
            return session, Precision.FLOAT32
    path = files.path(files.on_cpu)
    return TensorSession(path, provider=ExecutionProvider.CPU, threads=threads), files.on_cpu
