"""Loads a bundle for the worker: schema 3 here or by the reader it names, older ones by name.

Named and not imported, as in `models.older_readings`: only the folder of an organ knows how its
bundles of schema 2 are read, and it stands above this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Final, Protocol, cast

from models.catalogue import UsableBundle
from models.declared_bundle import READERS, DeclaredBundle
from models.entry_point import load_installed
from models.judge.limits import limits_in_force
from models.readers.declared_reader import DeclaredReader
from models.readers.slice_reader import SliceReader
from models.readers.study_reader import StudyReader
from models.schema_2.bundle import Bundle
from radiology.algorithm import ExecutionProvider
from radiology.errors import SettingsRefused, UploadRefused

SLICE_READERS: Final = "firstread.slice_readers"

_SCHEMA_2 = "chest.reader:open_chest_reader"
_SLICES_OF_SCHEMA_2 = "chest.slices.reader:open_chest_slices"


class _Opener(Protocol):
    def __call__(
        self, bundle: Bundle, *, provider: ExecutionProvider, threads: int
    ) -> StudyReader: ...


class _DeclaredOpener(Protocol):
    def __call__(
        self,
        bundle: DeclaredBundle,
        *,
        provider: ExecutionProvider,
        threads: int,
        limits: Mapping[str, float],
    ) -> StudyReader: ...


class _DeclaredSlicesOpener(Protocol):
    def __call__(
        self, bundle: DeclaredBundle, *, provider: ExecutionProvider, threads: int
    ) -> SliceReader: ...


class _SlicesOpener(Protocol):
    def __call__(
        self, bundle: Bundle, *, provider: ExecutionProvider, threads: int
    ) -> SliceReader: ...


def check_limits(bundle: UsableBundle, limits: Mapping[str, float]) -> None:
    """Check that a site's limits are of rules that a bundle has.

    A rule might have been renamed; then the study would be judged by another limit.

    Raises
    ------
    SettingsRefused
        A rule is not there, or the bundle is of schema 2.
    """
    if isinstance(bundle, DeclaredBundle):
        limits_in_force(bundle.rules, limits, bundle.name)
    elif limits:
        raise SettingsRefused(
            f"bundle_limits: the bundle {bundle.name} is of schema 2, whose limits cannot be set"
        )


def open_reader(
    bundle: UsableBundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.AUTO,
    threads: int = 0,
    limits: Mapping[str, float] | None = None,
) -> StudyReader:
    """Load the networks of a bundle.

    Parameters
    ----------
    provider : what to run on; AUTO takes CUDA when present
    threads : of the CPU; 0 for one for each core
    limits : of the site, by the name of the rule, in place of the bundle's

    Raises
    ------
    BundleRejected
        A network is not the declared one.
    SettingsRefused
        CUDA is demanded and not there, or as `check_limits`.
    """
    check_limits(bundle, limits or {})
    if isinstance(bundle, DeclaredBundle):
        if bundle.reader is None:
            return DeclaredReader.of(
                bundle, provider=provider, threads=threads, limits=limits or {}
            )
        own = cast("_DeclaredOpener", load_installed(READERS, bundle.reader.name))
        return own(bundle, provider=provider, threads=threads, limits=limits or {})
    opener = cast("_Opener", resolve_name(_SCHEMA_2))
    return opener(bundle, provider=provider, threads=threads)


def open_slice_reader(
    bundle: UsableBundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.AUTO,
    threads: int = 0,
) -> SliceReader:
    """Load the networks of a bundle for single slices; parameters as `open_reader`.

    Raises
    ------
    UploadRefused
        The bundle reads whole studies alone.
    BundleRejected, SettingsRefused
        As `open_reader`.
    """
    if isinstance(bundle, DeclaredBundle):
        if not reads_slices(bundle) or bundle.reader is None:
            raise UploadRefused("Uploads are read by a bundle for whole studies, not for slices")
        declared = cast("_DeclaredSlicesOpener", load_installed(SLICE_READERS, bundle.reader.name))
        return declared(bundle, provider=provider, threads=threads)
    opener = cast("_SlicesOpener", resolve_name(_SLICES_OF_SCHEMA_2))
    return opener(bundle, provider=provider, threads=threads)


def reads_slices(bundle: UsableBundle) -> bool:
    """Whether a bundle reads single slices too: those of schema 2, and where a reader says so."""
    if isinstance(bundle, Bundle):
        return True
    named = bundle.reader
    return named is not None and bool(entry_points(group=SLICE_READERS, name=named.name))
