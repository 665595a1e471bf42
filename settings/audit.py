"""Where audit messages go beside the database, and how their source is called there."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from settings.tls import ClientTls


class AuditRepository(BaseModel):
    """An audit repository (IHE ITI TF-2: 3.20), by syslog over TLS (RFC 5425); never in clear.

    Attributes
    ----------
    host, port : the certificate must be for this host; 6514 is the port that IANA has for it
    tls : its issuer, and our certificate, which a repository by IHE ATNA asks for
    timeout_s : how long may pass without an answer, from connecting to its taking leave
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, max_length=255)
    port: int = Field(default=6514, ge=1, le=65535)
    tls: ClientTls
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    first_retry_s: float = Field(default=2.0, gt=0)
    longest_retry_s: float = Field(default=300.0, gt=0)

    @model_validator(mode="after")
    def _check_issuer(self) -> Self:
        if self.tls.ca_file is None:
            raise ValueError("tls needs ca_file, the issuer of the repository's certificate")
        return self


class Audit(BaseModel):
    """The audit trail.

    Attributes
    ----------
    source : AuditSourceID of PS3.15 Section A.5.2; "": our AE title
    site : AuditEnterpriseSiteID; "" leaves it out
    repository : None keeps the messages in the database alone
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(default="", max_length=64, pattern=r"^[!-~]*$")
    site: str = Field(default="", max_length=64, pattern=r"^[!-~]*$")
    repository: AuditRepository | None = None
