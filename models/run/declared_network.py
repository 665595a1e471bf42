"""The loaded networks of a schema 3 bundle, ready to run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import InputKind, NetworkInput
from models.declared.network_files import NetworkFiles
from models.declared.outputs.kinds import BoxOutput, Output
from models.declared_bundle import DeclaredBundle
from models.onnx_session import CPU, open_network
from models.run.check_networks import check_session
from radiology.algorithm import ExecutionProvider

Floats = NDArray[np.float32]
_SLICES_AT_ONCE = {True: 4, False: 32}  # of a CPU as many as run side by side at most
_PATCHES_AT_ONCE = {True: 1, False: 2}


class DeclaredNetwork:
    """One loaded network. Make it after the fork, keep it for the process's life.

    Parameters
    ----------
    files, fed, outputs : of this network
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
    precision : what was opened
    at_once : how many inputs it is fed at once
    answers_each_alone : whether what it answers about an input does not depend on the others
    """

    def __init__(
        self,
        files: NetworkFiles,
        fed: NetworkInput,
        outputs: list[Output],
        *,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        threads: int = 0,
    ) -> None:
        cores = threads or len(os.sched_getaffinity(0))
        # Boxes are not as many for each slice, so that answers could not be put together.
        alone = fed.kind is not InputKind.PATCHES_3D and not any(
            isinstance(one, BoxOutput) for one in outputs
        )
        lanes = min(cores, _SLICES_AT_ONCE[True]) if alone else 1
        self._session, self.precision = open_network(
            files, provider=provider, threads=max(cores // lanes, 1)
        )
        check_session(self._session, files.path(self.precision).name, fed, outputs)
        self._fed = fed
        self._names = sorted({name for one in outputs for name in _tensors(one)})
        self.provider = self._session.provider
        self._fixed = self._session.inputs[fed.tensor].shape[0]
        if self._fixed is not None and lanes > 1:  # it takes so many at once, by all cores
            lanes = 1
            self._session, _ = open_network(files, provider=provider, threads=cores)
        at_once = _PATCHES_AT_ONCE if fed.kind is InputKind.PATCHES_3D else _SLICES_AT_ONCE
        self.at_once = self._fixed or at_once[self.provider == CPU]
        # Slice by slice, and so many side by side: what one slice takes stays in the cache of its
        # core, and no core waits for another after each layer. docs/decisions/0050
        self.answers_each_alone = alone and self._fixed is None and self.provider == CPU
        self._lanes = ThreadPoolExecutor(lanes) if self.answers_each_alone and lanes > 1 else None

    def run(self, inputs: Floats) -> Mapping[str, Floats]:
        """Answer inputs (n, channels, …), at most `at_once` of them; tensors by name.

        Raises
        ------
        BundleRejected, ModelUnavailable
            As `TensorSession.run`.
        """
        if not self.answers_each_alone or len(inputs) < 2:
            return self._answer(inputs)
        slices = [inputs[at : at + 1] for at in range(len(inputs))]
        answers = list((map if self._lanes is None else self._lanes.map)(self._answer, slices))
        return {name: np.concatenate([one[name] for one in answers]) for name in self._names}

    def _answer(self, inputs: Floats) -> dict[str, Floats]:
        count = len(inputs)
        if self._fixed is not None and count < self._fixed:
            fill = np.zeros((self._fixed - count, *inputs.shape[1:]), dtype=np.float32)
            inputs = np.concatenate([inputs, fill])
        feed = {self._fed.tensor: np.ascontiguousarray(inputs, dtype=np.float32)}
        answers = self._session.run(feed, self._names)
        cut = self._fixed is not None
        return {
            name: answer[:count] if cut and answer.ndim else answer
            for name, answer in zip(self._names, answers, strict=True)
        }

    def warm_up(self) -> None:
        """Run once on empty input, so that the first study does not wait for the allocations."""
        self.run(np.zeros((self.at_once, *self._fed.shape), dtype=np.float32))


def _tensors(output: Output) -> tuple[str, ...]:
    if isinstance(output, BoxOutput):
        return output.answer.tensor, output.scores
    return (output.answer.tensor,)


def output_tensors(bundle: DeclaredBundle, network: str) -> list[str]:
    """The tensors of a network that its bundle asks for."""
    mine = [one for one in bundle.outputs.all if one.answer.network == network]
    return sorted({name for one in mine for name in _tensors(one)})


def load_networks(
    bundle: DeclaredBundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.AUTO,
    threads: int = 0,
) -> dict[str, DeclaredNetwork]:
    """Load every network of a bundle, by name; parameters and errors as `DeclaredNetwork`."""
    return {
        name: DeclaredNetwork(
            files,
            bundle.inputs[name],
            [one for one in bundle.outputs.all if one.answer.network == name],
            provider=provider,
            threads=threads,
        )
        for name, files in bundle.networks.items()
    }
