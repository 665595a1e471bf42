"""Every certificate that the settings name: whether it can be used, and until when.

RFC 5280 Section 4.1.2.5 (validity).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from radiology.errors import SettingsRefused
from settings.certificates.contexts import (
    client_context,
    dicom_client_context,
    dicom_server_context,
    listener_context,
)
from settings.environment import Settings
from settings.flags import Hl7Channel, MailChannel, WebChannel

WARNED_BEFORE: Final = timedelta(days=30)
_MOST_IN_A_FILE: Final = 20  # the issuers of a whole operating system are not ours to watch


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file of certificates, and the settings that name it.

    Attributes
    ----------
    of : as written in the settings: "dicom_tls.certificate_file", "peers.pacs.tls.ca_file"
    issuers : whether it holds those that others' certificates are checked against
    """

    of: str
    file: Path
    issuers: bool


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when a file of certificates can be used.

    Attributes
    ----------
    subject : of the certificate that ends first, as RFC 4514 writes it; "" where there is none
    fault : why the file cannot be read; "" where it can
    """

    named: NamedFile
    subject: str = ""
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    fault: str = ""

    def days_left(self, now: datetime) -> int | None:
        """Whole days until it ends, negative afterwards; None where it cannot be read."""
        return None if self.ends_at is None else (self.ends_at - now).days

    def complaint(self, now: datetime) -> str:
        """What is wrong with it, and what to do; "" where nothing is."""
        where = f"{self.named.of} ({self.named.file})"
        if self.fault:
            return f"{where} cannot be read: {self.fault}"
        if self.ends_at is None or self.begins_at is None:
            return ""
        if self.ends_at <= now:
            return f"{where}: {self.subject} has expired on {self.ends_at:%Y-%m-%d}: renew it"
        if self.begins_at > now:
            return (
                f"{where}: {self.subject} is not valid before {self.begins_at:%Y-%m-%d %H:%M} UTC"
            )
        if self.ends_at - now <= WARNED_BEFORE:
            return (
                f"{where}: {self.subject} expires on {self.ends_at:%Y-%m-%d}, in "
                f"{self.days_left(now)} days: renew it"
            )
        return ""

    def over(self, now: datetime) -> bool:
        """Whether it cannot be used now for its dates."""
        dated = self.ends_at is not None and self.begins_at is not None
        return dated and not self.begins_at <= now < self.ends_at  # type: ignore[operator]


def certificate_terms(settings: Settings) -> tuple[Term, ...]:
    """The term of every file of certificates in the settings, each file once."""
    found: dict[Path, Term] = {}
    for named in _named_files(settings):
        if named.file not in found:
            found[named.file] = _term(named)
    return tuple(found.values())


def unusable(settings: Settings) -> Iterator[str]:
    """What TLS cannot be spoken with: files that do not belong together, or are none.

    A key that this process may not read is passed over: it is another one's.
    """
    for key, build in _contexts(settings):
        if key is not None and key.exists() and not os.access(key, os.R_OK):
            continue
        try:
            build()
        except SettingsRefused as error:
            yield str(error)


def _contexts(settings: Settings) -> Iterator[tuple[Path | None, Callable[[], object]]]:
    ours = settings.dicom_tls
    if ours is not None:
        yield ours.key_file, lambda: dicom_server_context(ours, further_issuers(settings))
    for peer in settings.peers:
        if peer.tls is not None:
            tls, name = peer.tls, peer.name
            yield tls.key_file, lambda tls=tls, name=name: dicom_client_context(tls, name)  # type: ignore[misc]
    listener = None if settings.hl7_listener is None else settings.hl7_listener.tls
    if listener is not None:
        yield listener.key_file, lambda: listener_context(listener, "hl7_listener")
    clients = [
        (f"flag channel {one.name}", one.tls)
        for one in settings.flags
        if isinstance(one, Hl7Channel)
    ]
    clients += [("database_tls", settings.database_tls), ("broker_tls", settings.broker_tls)]
    for what, client in clients:
        if client is not None:
            yield client.key_file, lambda tls=client, of=what: client_context(tls, of)  # type: ignore[misc]


def further_issuers(settings: Settings) -> frozenset[Path]:
    """Files of issuers that single DICOM peers name beside the node's."""
    return frozenset(
        peer.tls.ca_file
        for peer in settings.peers
        if peer.tls is not None and peer.tls.ca_file is not None
    )


def _named_files(settings: Settings) -> Iterator[NamedFile]:
    forms: list[tuple[str, object]] = [("dicom_tls", settings.dicom_tls)]
    forms += [(f"peers.{one.name}.tls", one.tls) for one in settings.peers]
    if settings.hl7_listener is not None:
        forms.append(("hl7_listener.tls", settings.hl7_listener.tls))
    for channel in settings.flags:
        if isinstance(channel, Hl7Channel):
            forms.append((f"flags.{channel.name}.tls", channel.tls))
        elif isinstance(channel, WebChannel | MailChannel):
            forms.append((f"flags.{channel.name}", channel))
    forms += [("database_tls", settings.database_tls), ("broker_tls", settings.broker_tls)]
    if settings.sign_in.provider is not None:
        forms.append(("sign_in.provider", settings.sign_in.provider))
    forms += [("worklist_network", settings.worklist_network)]
    forms += [(f"peers.{one.name}", one) for one in settings.peers]
    for where, form in forms:
        for field, issuers in _FIELDS.items():
            file = getattr(form, field, None)
            if file is not None:
                yield NamedFile(f"{where}.{field}", Path(file), issuers)


_FIELDS: Final = {
    "certificate_file": False,
    "certificate": False,
    "ca_file": True,
    "client_ca_file": True,
    "stow_ca_file": True,
}
"""Names of settings that name a file of certificates, and whether these are issuers."""


def _term(named: NamedFile) -> Term:
    try:
        certificates = x509.load_pem_x509_certificates(named.file.read_bytes())
    except OSError as error:
        return Term(named, fault=error.strerror or type(error).__name__)
    except ValueError:
        return Term(named, fault="it holds no certificate in PEM form, or a damaged one")
    if named.issuers:
        if len(certificates) > _MOST_IN_A_FILE:
            return Term(named)
        certificates = _newest_of_each(certificates)
    ends_first = min(certificates, key=lambda one: one.not_valid_after_utc)
    return Term(
        named,
        ends_first.subject.rfc4514_string(),
        max(one.not_valid_before_utc for one in certificates),
        ends_first.not_valid_after_utc,
    )


def _newest_of_each(issuers: list[x509.Certificate]) -> list[x509.Certificate]:
    """While an issuer is being renewed, its old and its new certificate stand side by side."""
    newest: dict[bytes, x509.Certificate] = {}
    for one in issuers:
        name = one.subject.public_bytes()
        known = newest.get(name)
        if known is None or known.not_valid_after_utc < one.not_valid_after_utc:
            newest[name] = one
    return list(newest.values())
