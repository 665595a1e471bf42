"""Loads the networks of a bundle for chests, of either schema."""

from __future__ import annotations

from chest.model.chest_model import ChestModel
from chest.model.of_schema_2 import load_schema_2
from chest.model.of_schema_3 import load_schema_3
from models.catalogue import UsableBundle, reads_chests
from models.schema_2.bundle import Bundle
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected


def load_model(
    bundle: UsableBundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.AUTO,
    threads: int = 0,
) -> ChestModel:
    """Load the networks of a bundle.

    Parameters
    ----------
    provider : what to run on; AUTO takes CUDA when present
    threads : of the CPU; 0 for one for each core

    Raises
    ------
    BundleRejected
        A network is not the declared one, or the bundle is not for chests.
    SettingsRefused
        CUDA is demanded and not there.
    """
    if isinstance(bundle, Bundle):
        return load_schema_2(bundle, provider=provider, threads=threads)
    if not reads_chests(bundle):
        raise BundleRejected("The bundle is not for chests", name=bundle.name)
    return load_schema_3(bundle, provider=provider, threads=threads)
