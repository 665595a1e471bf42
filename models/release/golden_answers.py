"""The golden test of a schema 3 bundle: its answers to noise, recorded and compared.

`golden.json` holds the seed and, for each network and precision, of each tensor its shape, mean,
deviation and some values evenly through it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import NetworkInput
from models.declared.network_files import Precision
from models.declared.released import GOLDEN
from models.declared_bundle import DeclaredBundle
from models.onnx_session import TensorSession
from models.run.declared_network import output_tensors
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, ModelUnavailable

Floats = NDArray[np.float32]
RECIPE = "noise-1"

_SEED = 3
_INPUTS = 2
_KEPT = 64  # values of each tensor
# Of the deviation of a tensor; processors round differently in int8.
_TOLERANCE = {Precision.FLOAT32: 1e-3, Precision.INT8: 0.1}
_AGAIN = "`firstread models seal` writes it, once the answers are those that you want."


def make_inputs(fed: NetworkInput, seed: int, count: int) -> Floats:
    """Noise over the whole range of each channel, (count, channels, …)."""
    random = np.random.Generator(np.random.PCG64(seed))
    made = random.random((count, *fed.shape), dtype=np.float32)
    for place in range(fed.channel_count):
        channel = fed.channels[place % len(fed.channels)]
        low, high = (
            (limit - channel.mean_hu) / channel.deviation_hu
            for limit in (channel.low_hu, channel.high_hu)
        )
        made[:, place] = low + made[:, place] * (high - low)
    return made


def _describe(answer: Floats) -> dict[str, Any]:
    flat = answer.ravel()
    places = np.linspace(0, flat.size - 1, min(_KEPT, flat.size)).astype(np.int64)
    return {
        "shape": list(answer.shape),
        "mean": float(flat.mean(dtype=np.float64)),
        "deviation": float(flat.std(dtype=np.float64)),
        "values": flat[places].astype(float).round(6).tolist(),
    }


def _answers(
    bundle: DeclaredBundle,
    name: str,
    precision: Precision,
    provider: ExecutionProvider = ExecutionProvider.CPU,
    threads: int = 1,
) -> dict[str, Floats]:
    fed, path = bundle.inputs[name], bundle.networks[name].path(precision)
    session = TensorSession(path, provider=provider, threads=threads)
    tensors = output_tensors(bundle, name)
    fixed = session.inputs[fed.tensor].shape[0]
    try:
        answers = session.run({fed.tensor: make_inputs(fed, _SEED, fixed or _INPUTS)}, tensors)
    except ModelUnavailable as error:
        raise BundleRejected(f"{path.name}: it fails as it is run. Export it again.") from error
    for tensor, answer in zip(tensors, answers, strict=True):
        if not np.isfinite(answer).all():
            raise BundleRejected(
                f'{path.name}, output "{tensor}": its answers are not all numbers. '
                "Run it where it was trained on the same input; a layer divides by 0 perhaps."
            )
    return dict(zip(tensors, answers, strict=True))


def describe_answers(bundle: DeclaredBundle) -> dict[str, Any]:
    """What `golden.json` is to hold.

    Raises
    ------
    BundleRejected
        A network fails, or answers what is no number.
    """
    return {
        "recipe": RECIPE,
        "seed": _SEED,
        "expected": {
            name: {
                str(precision): {
                    tensor: _describe(answer)
                    for tensor, answer in _answers(bundle, name, precision).items()
                }
                for precision in files.precisions
            }
            for name, files in bundle.networks.items()
        },
    }


def check_declared_golden(
    bundle: DeclaredBundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.CPU,
    threads: int = 1,
) -> dict[Precision, float]:
    """Run a bundle's golden test on this machine and provider.

    Returns
    -------
    The largest difference found for each precision, as a share of the deviation of its tensor.

    Raises
    ------
    BundleRejected
        An answer differs from the released answer, or no answer is recorded.
    """
    path = bundle.folder / GOLDEN
    try:
        golden = json.loads(path.read_text(encoding="utf-8"))
        expected = golden["expected"]
        if (golden["recipe"], golden["seed"]) != (RECIPE, _SEED):
            raise BundleRejected(f"{GOLDEN}: its recipe is unknown. {_AGAIN}")
        return _compare(bundle, expected, provider, threads)
    except OSError as error:
        raise BundleRejected(f"{GOLDEN} is missing. {_AGAIN}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleRejected(
            f"{GOLDEN}: it does not say what every network answers. {_AGAIN}"
        ) from error


def _compare(
    bundle: DeclaredBundle, expected: Any, provider: ExecutionProvider, threads: int
) -> dict[Precision, float]:
    found: dict[Precision, float] = {}
    for name, files in bundle.networks.items():
        for precision in files.precisions:
            for tensor, answer in _answers(bundle, name, precision, provider, threads).items():
                wanted = expected[name][precision][tensor]
                difference = _difference(_describe(answer), wanted)
                if not difference <= _TOLERANCE[precision]:
                    raise BundleRejected(
                        f'{files.path(precision).name}, output "{tensor}": its answers are not '
                        f"those of {GOLDEN}: they differ by {difference:.2g} of their deviation. "
                        f"The network was changed. {_AGAIN}"
                    )
                found[precision] = max(found.get(precision, 0.0), difference)
    return found


def _difference(answer: dict[str, Any], wanted: Any) -> float:
    if answer["shape"] != list(wanted["shape"]):
        return float("inf")
    pairs = (
        np.array([*known["values"], known["mean"], known["deviation"]], dtype=np.float64)
        for known in (answer, wanted)
    )
    here, there = pairs
    return float(np.abs(here - there).max() / max(float(wanted["deviation"]), 1e-3))
