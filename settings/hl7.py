"""HL7 v2: the listener that takes orders, visits and values."""

from __future__ import annotations

import ipaddress
from datetime import UTC, tzinfo
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from settings.peers import RequestPriority
from settings.tls import ListenerTls


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


Network = Annotated[str, AfterValidator(_network)]
"""An address or a network in CIDR notation, for example "10.0.0.22" or "10.0.4.0/24"."""


def checked_zone(text: str) -> str:
    """A name that is in the IANA database of time zones; ValueError where it is not."""
    if text != "UTC":
        try:
            ZoneInfo(text)
        except (ValueError, ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(
                "not a time zone of the IANA database, such as Europe/Berlin"
            ) from error
    return text


TimeZone = Annotated[str, AfterValidator(checked_zone)]
"""A time zone by its name in the IANA database, for example "Europe/Berlin"."""


class Hl7Listener(BaseModel):
    """Where we take HL7 messages, from whom, and what becomes of them.

    Attributes
    ----------
    time_zone : of moments in messages that name no offset from UTC; None: the site's
    senders : addresses or networks that may connect; nobody else is heard
    sending_applications : MSH-3 (its namespace) that may send; empty: any
    assigning_authority : whose patient identifiers are ours (CX.4, namespace or universal id);
        empty: the first medical record number
    receiving_application : what we call ourselves in acknowledgements
    max_connections : further ones are closed unheard; so are those of one address beyond three
        quarters of them
    max_message_bytes : a larger message is refused
    message_s : how long a message may take from its first byte to its last
    idle_s : a connection on which nothing comes for so long is closed
    emergency_priority : of studies of a patient whose class is E (PV1-2, Table 0004)
    values_hours : values observed so long before or after the images are of the same episode
    keep_days : orders, visits and values are forgotten after so many days
    loinc : a laboratory's own codes, each with the LOINC code that it means
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: TimeZone | None = None
    host: str = "0.0.0.0"  # noqa: S104 a listener for the hospital network
    port: int = Field(ge=1, le=65535)
    senders: tuple[Network, ...] = Field(min_length=1)
    sending_applications: tuple[str, ...] = ()
    assigning_authority: str = ""
    receiving_application: str = "FIRSTREAD"
    tls: ListenerTls | None = None
    max_connections: int = Field(default=20, ge=1, le=1000)
    max_message_bytes: int = Field(default=1_000_000, ge=1000, le=100_000_000)
    message_s: float = Field(default=30.0, gt=0)
    idle_s: float = Field(default=3600.0, gt=0)
    emergency_priority: RequestPriority = RequestPriority.HIGH
    values_hours: float = Field(default=24.0, gt=0)
    keep_days: float = Field(default=7.0, gt=0)
    loinc: dict[str, str] = Field(default_factory=dict)

    @property
    def zone(self) -> tzinfo | None:
        """Of moments that name none; None is the machine's."""
        if self.time_zone is None:
            return None
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    def at_site(self, time_zone: str) -> Self:
        """The same listener, at a site; where its senders' clock is not named, they go by that.

        Parameters
        ----------
        time_zone : of the site; "" is the machine's
        """
        if self.time_zone is not None or not time_zone:
            return self
        return self.model_copy(update={"time_zone": time_zone})
