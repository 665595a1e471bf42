"""Flag channels: whom to tell about an urgent study, how, and from which urgency on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field

from radiology.finding import Urgency
from settings.hl7 import Hl7ClientTls

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"


class Channel(BaseModel):
    """What every channel has.

    Attributes
    ----------
    name : unique among the channels; stored with each attempt and shown on the page
    from_urgency : told of studies at least this urgent
    escalation : 0: told at once; 1, 2 …: told only when nobody has acknowledged the flag in the
        steps before it
    answer_s : how long an answer is awaited
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME_PATTERN)
    from_urgency: Urgency = Urgency.URGENT
    escalation: int = Field(default=0, ge=0, le=9)
    answer_s: float = Field(default=10.0, gt=0)


class WorkItemChannel(Channel):
    """A UPS SCP that keeps a work item for each study (PS3.4 Annex CC)."""

    kind: Literal["work-item"]
    peer: str = Field(pattern=NAME_PATTERN)  # by its name among the peers


class WorkItemWebChannel(Channel):
    """The same by UPS-RS (PS3.18 Section 11)."""

    kind: Literal["work-item-web"]
    url: AnyHttpUrl  # root of the DICOMweb service
    user: str | None = None
    secret_file: Path | None = None
    ca_file: Path | None = None


class Hl7Channel(Channel):
    """A system that takes ORU^R01 over MLLP (HL7 v2.5.1).

    Attributes
    ----------
    sending_application, sending_facility, receiving_application, receiving_facility : MSH-3 to 6
    result_status : of observations (OBX-11, OBR-25): P preliminary, R not verified, F final. Final
        only where the receiver does not take a final result for the radiologist's report.
    link_type : how the study's page is referred to: RP (reference pointer), ST (plain text), or
        none
    actionable_category : also say the ACR category of an urgent or suspected finding (OBX-15, as
        IHE Results Distribution has it)
    tls : without it, messages go in clear
    """

    kind: Literal["hl7"]
    host: str
    port: int = Field(ge=1, le=65535)
    sending_application: str = Field(default="FIRSTREAD", max_length=20)
    sending_facility: str = Field(default="", max_length=20)
    receiving_application: str = Field(default="", max_length=20)
    receiving_facility: str = Field(default="", max_length=20)
    result_status: Literal["P", "R", "F"] = "P"
    link_type: Literal["RP", "ST", "none"] = "RP"
    actionable_category: bool = False
    tls: Hl7ClientTls | None = None


class WebhookChannel(Channel):
    """A web service that takes signed JSON: identifiers and links, nothing else."""

    kind: Literal["webhook"]
    url: AnyHttpUrl
    secret_file: Path | None = None
    ca_file: Path | None = None


class MailChannel(Channel):
    """People who are written to by SMTP: identifiers and links, nothing else."""

    kind: Literal["mail"]
    host: str
    port: int = Field(default=25, ge=1, le=65535)
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1)
    start_tls: bool = True
    user: str | None = None
    secret_file: Path | None = None


AnyChannel = Annotated[
    WorkItemChannel | WorkItemWebChannel | Hl7Channel | WebhookChannel | MailChannel,
    Field(discriminator="kind"),
]
"""One channel of any kind."""
