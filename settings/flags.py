"""Flag channels: the receivers of flags, how they are told, and from which urgency on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    SecretStr,
    model_validator,
)

from radiology.errors import SettingsRefused
from radiology.urgency import Urgency
from settings.tls import ClientTls

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
_MOST_URGENT_FIRST = list(Urgency)
_ASKED_IN_ITS_AGE = 10.0  # a flag that is open for ten minutes is asked about every minute
_RAREST_S = 3600.0
_SWEEPS_S = 3.0  # a few sweeps: what is due is noticed by the next one


def at_least(urgency: Urgency, limit: Urgency) -> bool:
    """Whether a study is at least as urgent as a limit."""
    return _MOST_URGENT_FIRST.index(urgency) <= _MOST_URGENT_FIRST.index(limit)


class Flagging(BaseModel):
    """What all channels have in common.

    Attributes
    ----------
    page_url : where others reach the worklist page; None: under the first of its names on the
        network, or else where it is served
    escalation_s : how long a flag waits for an acknowledgement before the first further step is
        told, before the second, and so on; the last one counts for all that follow
    first_retry_s, longest_retry_s, max_attempts : how a notice is tried again that was not taken; a
        receiver that does not answer, or takes nothing for now, is waited for without end
    longest_unreached_s : the longest wait for a receiver that does not answer
    claims_s : how often a manager of work items is asked whether somebody has taken the one of
        an open flag; 0: never
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_url: AnyHttpUrl | None = None
    escalation_s: tuple[PositiveFloat, ...] = Field(default=(300.0,), min_length=1)
    first_retry_s: PositiveFloat = 2.0
    longest_retry_s: PositiveFloat = 120.0
    longest_unreached_s: PositiveFloat = 20.0
    max_attempts: int = Field(default=60, ge=1)
    claims_s: float = Field(default=60.0, ge=0)

    def ask_at(
        self,
        now: datetime,
        *,
        raised_at: datetime,
        escalate_at: datetime | None,
        answer_s: float,
    ) -> datetime | None:
        """When a manager of work items is asked next about a flag; None: not at all.

        The longer a flag is open the more rarely, down to once an hour; and once more so shortly
        before its next step that an answer still comes in time.

        Parameters
        ----------
        answer_s : how long its answer is awaited
        """
        if not self.claims_s:
            return None
        age_s = (now - raised_at).total_seconds()
        wait_s = max(self.claims_s, min(age_s / _ASKED_IN_ITS_AGE, _RAREST_S))
        at = now + timedelta(seconds=wait_s)
        if escalate_at is None:
            return at
        last_call = escalate_at - timedelta(seconds=answer_s + _SWEEPS_S)
        return min(at, last_call) if now < last_call else at

    def wait_s(self, step: int) -> float:
        """How long the further step of this number, counted from 0, is waited for."""
        return self.escalation_s[min(step, len(self.escalation_s) - 1)]


MailAddress = Annotated[str, Field(pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.\[\]:-]{1,190}$")]
"""A plain address, as it stands in an SMTP command: no name beside it, and no line break."""


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

    keeps_state: ClassVar[bool] = False
    """Whether it is told that somebody has acknowledged a flag."""
    follows_results: ClassVar[bool] = True
    """Whether it is told of every newer result; otherwise only of one that changes the urgency."""

    @property
    def sends_link(self) -> bool:
        """Whether what its receiver is told leads to the worklist page."""
        return False

    name: str = Field(pattern=NAME_PATTERN)
    from_urgency: Urgency = Urgency.URGENT
    escalation: int = Field(default=0, ge=0, le=9)
    answer_s: float = Field(default=10.0, gt=0)

    def wants(self, urgency: Urgency) -> bool:
        """Whether it is told of a study of this urgency."""
        return at_least(urgency, self.from_urgency)


class SecretChannel(Channel):
    """A channel that may have a secret, which stands in a file."""

    secret_file: Path | None = None

    def secret(self) -> SecretStr | None:
        """Read the secret anew, so that it may be renewed; None where there is none.

        Raises
        ------
        SettingsRefused
            The file cannot be read, or is empty.
        """
        if self.secret_file is None:
            return None
        try:
            text = self.secret_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if not text:
            raise SettingsRefused(
                "The file with a flag channel's secret cannot be read: correct "
                "secret_file, or who may read it",
                channel=self.name,
            )
        return SecretStr(text)


class WebChannel(SecretChannel):
    """A channel over HTTP."""

    url: AnyHttpUrl
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if self.url.username or self.url.password:
            raise ValueError(f"channel {self.name}: url must not hold user or password")
        if self.secret_file is None:
            return self
        if self.url.scheme != "https" and self.url.host not in _LOOPBACK:
            raise ValueError(f"channel {self.name}: a secret is only used over https")
        return self


class WorkItemChannel(Channel):
    """A UPS SCP that keeps a work item for each study (PS3.4 Annex CC)."""

    keeps_state: ClassVar[bool] = True

    kind: Literal["work-item"]
    peer: str = Field(pattern=NAME_PATTERN)  # by its name among the peers


class WorkItemWebChannel(WebChannel):
    """The same by UPS-RS (PS3.18 Section 11); `url` is the root of the DICOMweb service."""

    keeps_state: ClassVar[bool] = True

    kind: Literal["work-item-web"]
    user: str | None = None


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
    tls: ClientTls | None = None

    @property
    def sends_link(self) -> bool:
        """OBX with the study's page, unless it is left out."""
        return self.link_type != "none"


class WebhookChannel(WebChannel):
    """A web service that takes JSON, signed with the secret: identifiers and links only."""

    keeps_state: ClassVar[bool] = True

    kind: Literal["webhook"]

    @property
    def sends_link(self) -> bool:
        """`study_url`, and `acknowledge_url` beside it."""
        return True


class MailChannel(SecretChannel):
    """People who are written to by SMTP: identifiers and links, nothing else."""

    follows_results: ClassVar[bool] = False

    kind: Literal["mail"]
    host: str
    port: int = Field(default=25, ge=1, le=65535)
    sender: MailAddress
    recipients: tuple[MailAddress, ...] = Field(min_length=1)
    start_tls: bool = True
    user: str | None = None
    ca_file: Path | None = None

    @property
    def sends_link(self) -> bool:
        """Where people open and acknowledge."""
        return True

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        if (self.user is None) != (self.secret_file is None):
            raise ValueError(f"channel {self.name}: user and secret_file belong together")
        if self.user is not None and not self.start_tls:
            raise ValueError(f"channel {self.name}: a secret is only used with start_tls")
        return self


AnyChannel = Annotated[
    WorkItemChannel | WorkItemWebChannel | Hl7Channel | WebhookChannel | MailChannel,
    Field(discriminator="kind"),
]
"""One channel of any kind."""
