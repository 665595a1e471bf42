"""The resources of a worker process: settings, database, clock and the loaded bundles."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from database.flags.rules import FlagRules
from database.process_signs import note_loaded
from database.session import Engine, transaction
from radiology.errors import BundleRejected, ModelUnavailable, SettingsRefused
from settings.environment import Settings

if TYPE_CHECKING:  # libraries of models: see `readers`
    from models.readers.slice_reader import SliceReader
    from models.readers.study_reader import StudyReader
    from worker.infer.warm_readers import WarmReaders
    from worker.series.kept_ahead import KeptAhead


@dataclass(frozen=True)
class Equipment:
    """What a worker process works with: made once, after the fork, and kept."""

    settings: Settings
    engine: Engine
    worker: str
    clock: Callable[[], datetime]
    new_token: Callable[[], str] = secrets.token_urlsafe
    jitter: Callable[[], float] = random.random  # 0 to 1: rows come back at different moments

    @property
    def flag_rules(self) -> FlagRules:
        """Who is told of urgent studies."""
        return FlagRules(self.settings.flags, self.settings.flagging)

    @cached_property
    def readers(self) -> WarmReaders:
        """The bundles that this process keeps loaded."""
        # Here: only a process that reads studies needs the libraries of models in memory.
        from worker.infer.warm_readers import WarmReaders

        return WarmReaders(self.settings)

    @cached_property
    def kept_ahead(self) -> KeptAhead:
        """What this process has read of studies that were still coming."""
        from worker.series.kept_ahead import KeptAhead  # here, as for `readers`

        return KeptAhead()

    @property
    def upload_reader(self) -> StudyReader:
        """The first bundle in use, which reads uploads; raises as `reader_of`."""
        return self.reader_of(self.settings.first_bundle)

    @property
    def slice_reader(self) -> SliceReader:
        """The same bundle for single slices; raises as `upload_reader`."""
        with self._loading():
            return self.readers.slice_reader_of(self.settings.first_bundle)

    def reader_of(self, bundle: str) -> StudyReader:
        """The newest usable version of a bundle, loaded and ready.

        Raises
        ------
        ModelUnavailable
            The fault is the installation's, not the study's: the job must wait for its repair.
        """
        with self._loading():
            return self.readers.reader_of(bundle)

    def warm_up(self) -> None:
        """Load the bundles in use and run each once, so that the first study does not wait.

        Raises
        ------
        ModelUnavailable
            One of them cannot be loaded; the others are.
        """
        missing: ModelUnavailable | None = None
        for name in reversed(self.settings.bundles):  # the first one is the last to be let go
            try:
                self.reader_of(name)
            except ModelUnavailable as error:
                missing = error
        if missing is not None:
            raise missing

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """Say what cannot be loaded, and note what is loaded by now for the page."""
        before = self.readers.loaded
        try:
            yield
        except (BundleRejected, SettingsRefused) as error:
            raise ModelUnavailable(str(error)) from error
        if self.readers.loaded and set(self.readers.loaded) != set(before):
            loaded = [(one.name, one.version, one.memory_bytes) for one in self.readers.loaded]
            with transaction(self.engine) as session:
                note_loaded(session, self.worker, loaded, self.clock())
