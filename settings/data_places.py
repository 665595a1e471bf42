"""Where data is kept: the data folder with what lies in it, the database and the broker."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, SecretStr, model_validator

from settings.object_storage import ObjectStorage
from settings.tls import ClientTls, check_broker_tls, check_database_tls, with_database_tls


class DataPlaces(BaseModel):
    """The settings that say so; part of `settings.environment.Settings`."""

    data_folder: Path = Path("firstread-data")
    database_url: SecretStr | None = None  # may hold a password; None: SQLite in the data folder
    broker_url: SecretStr | None = None  # None: kombu's filesystem transport in the data folder
    database_tls: ClientTls | None = None
    broker_tls: ClientTls | None = None
    object_storage: ObjectStorage | None = None  # None: all files are in the data folder

    @model_validator(mode="after")
    def _check_servers(self) -> Self:
        """TLS to database and broker is never less than was asked for."""
        check_database_tls(self.database_tls, self.database_url)
        check_broker_tls(self.broker_tls, self.broker_url)
        if self.object_storage is not None and self.database_url is None:
            raise ValueError(
                "object_storage needs database_url: hosts that share no folder share no SQLite"
            )
        return self

    @property
    def embedded(self) -> bool:
        """Whether this is the size that needs no database or broker server."""
        return self.broker_url is None

    @property
    def database_address(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is not None:
            return with_database_tls(self.database_url.get_secret_value(), self.database_tls)
        return f"sqlite:///{self.sqlite_file.resolve()}"

    @property
    def sqlite_file(self) -> Path:
        """The database of the embedded size."""
        return self.data_folder / "firstread.sqlite"

    @property
    def spool_folder(self) -> Path:
        """Where received instances are kept."""
        return self.data_folder / "spool"

    @property
    def quarantine_folder(self) -> Path:
        """Where objects are kept that could not be stored as they came."""
        return self.data_folder / "quarantine"

    @property
    def results_folder(self) -> Path:
        """Where our own SR, SEG, SC and pictures are kept."""
        return self.data_folder / "results"

    @property
    def uploads_folder(self) -> Path:
        """Where uploads are kept until they are deleted."""
        return self.data_folder / "uploads"

    @property
    def doctor_folder(self) -> Path:
        """Where the doctor has what it asks a PACS to send back put; only while it waits for it."""
        return self.data_folder / "doctor"

    @property
    def broker_folder(self) -> Path:
        """Where the filesystem transport keeps its messages."""
        return self.data_folder / "broker"
