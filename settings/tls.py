"""TLS: which files, which profile, and whose certificate. One form for every connection.

RFC 8446, RFC 9325; for DICOM the profiles of PS3.15 Annex B. A key has no passphrase: nobody is
there to type it. Files are read again when they change (`settings.certificates.watched`).
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlencode

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

_SHA256_HEX = re.compile(r"[0-9a-f]{64}")


class TlsProfile(StrEnum):
    """A secure transport connection profile of PS3.15 Annex B. None goes below TLS 1.2.

    `NON_DOWNGRADING` is B.10 (Non-Downgrading BCP 195), whose rule B.12 has taken over;
    `BCP_195` is B.12 (BCP 195 RFC 8996, 9325), with what RFC 9325 does not forbid for older peers;
    `MODIFIED_BCP_195` is B.13, the narrowest.
    """

    NON_DOWNGRADING = "non-downgrading-bcp-195"
    BCP_195 = "bcp-195"
    MODIFIED_BCP_195 = "modified-bcp-195"


def _fingerprint(text: str) -> str:
    bare = re.sub(r"^sha-?256[ :=]*(fingerprint=)?|[\s:]", "", text.strip().lower())
    if not _SHA256_HEX.fullmatch(bare):
        raise ValueError("not a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")
    return bare


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
"""SHA-256 of a certificate's DER, as `openssl x509 -fingerprint -sha256` prints it."""


def one_spelling(name: str) -> str:
    """A name of a certificate as it is compared: DNS names without case, addresses in one form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.strip().rstrip(".").casefold()


class ClientTls(BaseModel):
    """TLS for a receiver that we call. Its certificate is always checked.

    Attributes
    ----------
    ca_file : issuers that its certificate is checked against; default: those of the system
    certificate_file, key_file : ours, for a receiver that asks who calls
    crl_file : revocation lists (RFC 5280 Section 5) of the issuers of its certificate: what stands
        in one is refused, and everything of an issuer whose list is missing or has expired
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    crl_file: Path | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class ListenerTls(BaseModel):
    """TLS for those who call us.

    Attributes
    ----------
    client_ca_file : when given, a caller needs a certificate that one of these has issued
    crl_file : revocation lists of these issuers, as for `ClientTls`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    crl_file: Path | None = None

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        if self.crl_file is not None and self.client_ca_file is None:
            raise ValueError("crl_file needs client_ca_file: no caller's certificate is looked at")
        return self


class DicomTls(BaseModel):
    """TLS of the DICOM node, as server and as client; both sides always show a certificate.

    Attributes
    ----------
    certificate_file, key_file : ours, in both directions
    ca_file : issuers of the peers' certificates, unless a peer names its own
    crl_file : revocation lists of all issuers of peers' certificates, as for `ClientTls`
    plain_port : further port on which peers without `tls` may still call; default: none
    handshake_s : how long a caller may take over the handshake, all in all
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path
    key_file: Path
    ca_file: Path
    crl_file: Path | None = None
    profile: TlsProfile = TlsProfile.NON_DOWNGRADING
    plain_port: int | None = Field(default=None, ge=1, le=65535)
    handshake_s: float = Field(default=10.0, gt=0, le=60)


class PeerTls(ClientTls):
    """That a DICOM peer is spoken to by TLS only, and which certificate is its own.

    Without `names` and `fingerprints` the peer's host must stand in its certificate.

    Attributes
    ----------
    ca_file, certificate_file, key_file, crl_file, profile : where they differ from `dicom_tls`;
        `completed` fills in the rest
    names : the certificate has one of these: a DNS name or address of its subject alternative
        names, the common name of its subject, or its whole subject as RFC 4514 writes it
        ("CN=ct1,O=Hospital")
    fingerprints : the certificate is one of these; two while it is being renewed
    """

    profile: TlsProfile | None = None
    names: tuple[str, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()

    def completed(self, ours: DicomTls) -> Self:
        """The same, with what this peer leaves to the node's settings."""
        own_pair = self.certificate_file is not None
        return self.model_copy(
            update={
                "ca_file": self.ca_file or ours.ca_file,
                "certificate_file": self.certificate_file if own_pair else ours.certificate_file,
                "key_file": self.key_file if own_pair else ours.key_file,
                "crl_file": self.crl_file or ours.crl_file,
                "profile": self.profile or ours.profile,
            }
        )


def check_database_tls(tls: ClientTls | None, url: SecretStr | None) -> None:
    """Make sure that TLS to the database is never less than was asked for.

    Raises
    ------
    ValueError
        It would not be used, or the server's certificate not be checked.
    """
    if tls is not None and url is None:
        raise ValueError("database_tls needs database_url: SQLite is no server")
    if tls is not None and tls.ca_file is None:
        raise ValueError("database_tls needs ca_file, the issuer of its certificate")


def check_broker_tls(tls: ClientTls | None, url: SecretStr | None) -> None:
    """The same for the broker.

    Raises
    ------
    ValueError
        It would not be used, or not the whole of it.
    """
    address = "" if url is None else url.get_secret_value()
    if tls is not None and not address.startswith("rediss://"):
        raise ValueError("broker_tls needs a broker_url that begins with rediss://")
    if tls is not None and tls.crl_file is not None:
        raise ValueError(
            "leave broker_tls.crl_file out: the client for Redis reads no revocation lists"
        )


def with_database_tls(url: str, tls: ClientTls | None) -> str:
    """A database's URL with what libpq needs to know of TLS (PostgreSQL, "SSL Support").

    `verify-full`: encrypted, by a trusted issuer, and for the host that is called.
    """
    if tls is None:
        return url
    files = {
        "sslrootcert": tls.ca_file,
        "sslcert": tls.certificate_file,
        "sslkey": tls.key_file,
        "sslcrl": tls.crl_file,
    }
    named = {name: str(file) for name, file in files.items() if file is not None}
    return url + ("&" if "?" in url else "?") + urlencode({"sslmode": "verify-full", **named})
