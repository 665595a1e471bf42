"""Settings: environment variables over one TOML file over the defaults of the embedded size.

Environment variables carry the prefix `FIRSTREAD_`; the TOML file is named by
`FIRSTREAD_SETTINGS_FILE`, or is `firstread.toml` in the working folder. Both are read once.
`docs/settings.md` lists every setting; a test keeps the two in step.
"""

from __future__ import annotations

import functools
import os
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from radiology.algorithm import ExecutionProvider
from radiology.errors import SettingsRefused
from radiology.identity import AETitle
from radiology.language import Language
from settings.audit import Audit
from settings.bundle_signatures import BundleSignatures
from settings.data_places import DataPlaces
from settings.flags import AnyChannel, Flagging
from settings.hl7 import Hl7Listener, checked_zone
from settings.known_peers import KnownPeers
from settings.monitoring import Monitoring
from settings.page.sign_in import SignIn
from settings.page.study_page import StudyPageSettings
from settings.page.worklist_list import WorklistList
from settings.page.worklist_network import WorklistNetwork
from settings.page.worklist_order import WorklistOrder
from settings.peers import CheckedAETitle, Peer, PeerRole
from settings.retention import Retention
from settings.uploads import UploadLimits
from settings.wrong_settings import did_you_mean, wrong_settings

PREFIX = "FIRSTREAD_"
SETTINGS_FILE_VARIABLE = PREFIX + "SETTINGS_FILE"
_RENAMED = "bundle is called bundles and is a list of names: docs/settings.md, Models"
BundleName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=64)
]
_BUNDLES = Path(__file__).resolve().parent.parent / "models" / "bundles"


class LogFormat(StrEnum):
    """How log events are written: one JSON object a line, or columns for a person."""

    JSON = "json"
    CONSOLE = "console"


class Settings(DataPlaces, KnownPeers, BaseSettings):
    """Every setting, its default and its unit. Immutable once read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )
    settings_file: ClassVar[Path | None] = None

    # DICOM node
    ae_title: CheckedAETitle = AETitle("FIRSTREAD")
    dicom_host: str = "0.0.0.0"  # noqa: S104 a listener for the hospital network
    dicom_port: int = Field(default=11112, ge=1, le=65535)
    accept_any_peer: bool = False
    max_associations: int = Field(default=20, ge=1, le=1000)
    association_idle_s: float = Field(default=60.0, gt=0)
    max_instance_bytes: int = Field(default=2_000_000_000, gt=0)
    min_free_bytes: int = Field(default=2_000_000_000, ge=0)

    # Assembly
    quiet_s: float = Field(default=5.0, ge=0)
    quiet_released_s: float = Field(default=1.0, ge=0)
    quiet_longest_s: float = Field(default=45.0, ge=0, le=3600)

    # Queue
    sweep_s: float = Field(default=0.5, gt=0)
    lease_s: float = Field(default=15.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    analysis_first_retry_s: float = Field(default=2.0, gt=0)
    analysis_longest_retry_s: float = Field(default=300.0, gt=0)
    wait_high_s: float = Field(default=600.0, ge=0)
    wait_routine_s: float = Field(default=3600.0, ge=0)
    first_look: bool = True
    read_ahead: bool = True
    wait_low_s: float = Field(default=4 * 3600.0, ge=0)

    # Models
    bundles_folder: Path = _BUNDLES
    bundles: tuple[BundleName, ...] = Field(default=("chest-ct-pneumonia",), min_length=1)
    bundles_memory_mb: int = Field(default=4096, ge=1)  # of those that a process keeps loaded
    bundle_limits: dict[str, dict[str, FiniteFloat]] = Field(default_factory=dict)  # bundle, rule
    bundle_signatures: BundleSignatures = BundleSignatures()
    execution_provider: ExecutionProvider = ExecutionProvider.AUTO
    inference_threads: int = Field(default=0, ge=0)  # 0: one for each core

    # Results
    language: Language = Language.ENGLISH
    most_tracked_lesions: int = Field(default=8, ge=0, le=50)

    # Earlier studies
    compare_priors: bool = True
    fetch_priors: int = Field(default=2, ge=0, le=10)  # of each peer with role "query"
    fetch_priors_days: int = Field(default=365, ge=1)
    fetch_priors_limit_s: float = Field(default=3600.0, gt=0)
    fetch_priors_first_retry_s: float = Field(default=30.0, gt=0)
    fetch_priors_longest_retry_s: float = Field(default=300.0, gt=0)
    fetch_priors_max_attempts: int = Field(default=3, ge=1)

    # Delivery
    delivery_first_retry_s: float = Field(default=2.0, gt=0)
    delivery_longest_retry_s: float = Field(default=300.0, gt=0)
    delivery_max_attempts: int = Field(default=40, ge=1)
    delivery_timeout_s: float = Field(default=30.0, gt=0)

    # Work items
    report_first_retry_s: float = Field(default=2.0, gt=0)
    report_longest_retry_s: float = Field(default=300.0, gt=0)
    report_max_attempts: int = Field(default=40, ge=1)

    # Flags
    flags: tuple[AnyChannel, ...] = ()
    flagging: Flagging = Flagging()

    # HL7
    hl7_listener: Hl7Listener | None = None

    # Worklist page
    worklist_host: str = "127.0.0.1"
    worklist_port: int = Field(default=8470, ge=1, le=65535)
    time_zone: str = ""  # IANA name of the clock that the site goes by; "": the machine's
    study_page: StudyPageSettings = StudyPageSettings()

    # Uploads
    uploads: UploadLimits = UploadLimits()
    worklist_list: WorklistList = WorklistList()
    worklist_order: WorklistOrder = WorklistOrder()
    worklist_network: WorklistNetwork = WorklistNetwork()
    sign_in: SignIn = SignIn()

    # Monitoring
    monitoring: Monitoring = Monitoring()

    # Retention
    retention: Retention = Retention()

    # Audit
    audit: Audit = Audit()

    # Logs
    log_format: LogFormat = LogFormat.JSON
    log_file: Path | None = None
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_names(cls, given: Any) -> Any:
        if isinstance(given, dict) and "bundle" in given:
            raise ValueError(_RENAMED)
        return given

    @field_validator("bundles")
    @classmethod
    def _check_bundles(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) != len(set(names)):
            raise ValueError("a bundle is named twice")
        return names

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        return checked_zone(name) if name else name

    @model_validator(mode="after")
    def _check_ways_in(self) -> Self:
        """A peer that may call must have a port to call."""
        if self.dicom_tls is None:
            return self
        if self.dicom_tls.plain_port == self.dicom_port:
            raise ValueError("dicom_tls.plain_port is dicom_port, which is for TLS only")
        if self.dicom_tls.plain_port is None:
            callers = (*self.sources, *self.committing, *self.worklist_clients)
            shut_out = sorted({peer.name for peer in callers if peer.tls is None})
            if shut_out:
                raise ValueError(
                    f"peers without tls cannot call us: {', '.join(shut_out)}: give them "
                    "[peers.tls], or set dicom_tls.plain_port"
                )
        return self

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        channels = [channel.name for channel in self.flags]
        if len(channels) != len(set(channels)):
            raise ValueError("two flag channels share a name")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file: what an operator types at the moment wins."""
        sources = [init_settings, env_settings]
        if cls.settings_file is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, cls.settings_file))
        return tuple(sources)

    @property
    def first_bundle(self) -> str:
        """The bundle that reads uploads, and that commands take where none is named."""
        return self.bundles[0]

    @property
    def zone(self) -> ZoneInfo | None:
        """The site's time zone; None: the machine's."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def queried(self) -> tuple[Peer, ...]:
        """Peers that are asked for earlier studies; none when nothing is to be fetched."""
        if not self.compare_priors or self.fetch_priors == 0:
            return ()
        return tuple(peer for peer in self.peers if PeerRole.QUERY in peer.roles)


def read_settings(**overrides: Any) -> Settings:
    """Read the settings in force.

    Parameters
    ----------
    overrides : by setting name; win over environment and file (the command line's options)

    Raises
    ------
    SettingsRefused
        A setting is unknown or wrong. The message names each one, without its value: a value may
        be a secret.
    """
    _refuse_unknown_variables()
    try:
        return Settings.model_validate(_source(_settings_file())(**overrides))
    except ValidationError as error:
        raise SettingsRefused(wrong_settings(error, Settings)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"The settings file is not valid TOML: {error}") from error


@functools.cache
def _source(file: Path | None) -> type[Settings]:
    """What reads the settings from a file: making it takes longer than reading, and 8 MB."""
    return type("SettingsFromFile", (Settings,), {"settings_file": file})


def _settings_file() -> Path | None:
    named = os.environ.get(SETTINGS_FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SettingsRefused(f"{SETTINGS_FILE_VARIABLE} names a file that does not exist")
        return Path(named)
    here = Path("firstread.toml")
    return here if here.is_file() else None


def _refuse_unknown_variables() -> None:
    """Otherwise a misspelt variable would be ignored without an error."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {SETTINGS_FILE_VARIABLE}
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in known and not name.startswith(PREFIX + "TEST_")
    )
    if PREFIX + "BUNDLE" in unknown:
        raise SettingsRefused(f"{PREFIX}BUNDLE: {_RENAMED}")
    if unknown:
        listed = "; ".join(f"{name}{did_you_mean(name, known, PREFIX)}" for name in unknown)
        raise SettingsRefused(f"Not a setting: {listed}")
