"""The equipment of a worker process: settings, database, clock and the loaded model."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from chest.read_slice import SliceReader
from database.flags.raised import FlagRules
from database.session import Engine
from radiology.errors import BundleRejected, ModelUnavailable, SettingsRefused
from settings.environment import Settings
from worker.infer.infer_findings import Reader


@dataclass(frozen=True)
class Equipment:
    """What a worker process works with: made once, after the fork, and kept."""

    settings: Settings
    engine: Engine
    worker: str
    clock: Callable[[], datetime]
    new_token: Callable[[], str] = secrets.token_urlsafe

    @property
    def flag_rules(self) -> FlagRules:
        """Who is told of urgent studies."""
        return FlagRules(self.settings.flags, self.settings.flagging)

    @cached_property
    def reader(self) -> Reader:
        """The model, loaded and ready.

        Raises
        ------
        ModelUnavailable
            The fault is the installation's, not the study's: the job must wait for its repair.
        """
        try:
            return Reader.from_settings(self.settings)
        except (BundleRejected, SettingsRefused) as error:
            raise ModelUnavailable(str(error)) from error

    @cached_property
    def slice_reader(self) -> SliceReader:
        """The same model for single slices; only uploads need it.

        Raises
        ------
        ModelUnavailable
            As for `reader`.
        """
        bundle = self.reader.bundle
        try:
            return SliceReader(
                bundle,
                threads=self.settings.inference_threads,
                provider=self.settings.execution_provider,
            )
        except (BundleRejected, SettingsRefused) as error:
            raise ModelUnavailable(str(error)) from error

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first study does not wait for it."""
        self.reader.warm_up()
