"""Loaded bundles within a memory limit: the least recently used is unloaded first.

The newest usable version of a bundle is looked for each time that it is asked for. That costs a
look at the names in the folder; only what has changed there is read and checked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from models.catalogue import Catalogue, UsableBundle, read_catalogue
from models.readers.open_reader import open_reader, open_slice_reader
from models.readers.slice_reader import SliceReader
from models.readers.study_reader import StudyReader
from models.signatures.signature_file import SUFFIX
from settings.environment import Settings
from settings.log.log_events import get_logger
from worker.infer.held_memory import held_bytes

_log = get_logger("bundles")
_BYTES_PER_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """A bundle that is kept loaded, and what it takes."""

    name: str
    version: str
    memory_bytes: int


@dataclass
class _Kept:
    reader: StudyReader
    memory_bytes: int
    slice_reader: SliceReader | None = None


class WarmReaders:
    """The bundles of one process, loaded when they are asked for. Not for several threads.

    A bundle counts with what the process grew by while it was loaded and run once, and with the
    size of its files at least: memory of a GPU is not memory of the process.

    Parameters
    ----------
    memory : how much the process holds, in bytes
    """

    def __init__(self, settings: Settings, *, memory: Callable[[], int] = held_bytes) -> None:
        self._settings = settings
        self._memory = memory
        self._kept: dict[str, _Kept] = {}  # by name; the last one used comes last
        self._catalogue: Catalogue | None = None
        self._seen: object = None

    @property
    def loaded(self) -> tuple[LoadedBundle, ...]:
        """What is kept, the last one used last."""
        return tuple(
            LoadedBundle(name, loaded.reader.bundle.version, loaded.memory_bytes)
            for name, loaded in self._kept.items()
        )

    @property
    def memory_bytes(self) -> int:
        """What all of them take together."""
        return sum(one.memory_bytes for one in self._kept.values())

    def reader_of(self, name: str) -> StudyReader:
        """The newest usable version of a bundle, loaded and run once.

        Raises
        ------
        BundleRejected
            There is none; the message says what was refused and why.
        SettingsRefused
            CUDA is demanded and not there.
        """
        return self._entry(name).reader

    def slice_reader_of(self, name: str) -> SliceReader:
        """The same bundle for single slices; only uploads need it.

        Raises
        ------
        UploadRefused
            The bundle reads whole studies alone.
        BundleRejected, SettingsRefused
            As `reader_of`.
        """
        entry = self._entry(name)
        if entry.slice_reader is None:
            entry.slice_reader = open_slice_reader(
                entry.reader.bundle,
                threads=self._settings.inference_threads,
                provider=self._settings.execution_provider,
            )
        return entry.slice_reader

    def _entry(self, name: str) -> _Kept:
        bundle = self._newest(name)
        entry = self._kept.pop(name, None)
        if entry is None or entry.reader.bundle.digest != bundle.digest:
            del entry  # an older version frees its memory before the newer one takes any
            entry = self._load(bundle)
        self._kept[name] = entry
        self._let_go()
        return entry

    def _newest(self, name: str) -> UsableBundle:
        folder = self._settings.bundles_folder
        # A name with a leading dot is a bundle that is just being written, or a candidate.
        paths = sorted(
            (*folder.glob("[!.]*/[!.]*/bundle.toml"), *folder.glob(f"[!.]*/[!.]*{SUFFIX}"))
        )
        seen = [(path, path.stat().st_mtime_ns) for path in paths]
        if self._catalogue is None or seen != self._seen:
            self._catalogue = read_catalogue(folder, self._settings.bundle_signatures)
            self._seen = seen
        return self._catalogue.newest(name)

    def _load(self, bundle: UsableBundle) -> _Kept:
        assert self._catalogue is not None  # it was found there
        before = self._memory()
        settings = self._settings
        reader = open_reader(
            bundle,
            provider=settings.execution_provider,
            threads=settings.inference_threads,
            limits=settings.bundle_limits.get(bundle.name),
        )
        reader.warm_up()
        signature = self._catalogue.signatures[bundle.name, bundle.version]
        if signature.warning:
            _log.warning(
                "bundle_not_vouched_for",
                bundle=bundle.name,
                version=bundle.version,
                reason=signature.warning,
            )
        files = sum(path.stat().st_size for path in bundle.folder.glob("*.onnx"))
        kept = _Kept(reader, max(self._memory() - before, files))
        _log.info(
            "bundle_loaded",
            bundle=bundle.name,
            version=bundle.version,
            memory_bytes=kept.memory_bytes,
        )
        return kept

    def _let_go(self) -> None:
        """Keep within the limit; the bundle used last stays, however large it is."""
        limit_bytes = self._settings.bundles_memory_mb * _BYTES_PER_MB
        while len(self._kept) > 1 and self.memory_bytes > limit_bytes:
            name = next(iter(self._kept))
            let_go = self._kept.pop(name)
            _log.info("bundle_let_go", bundle=name, version=let_go.reader.bundle.version)
