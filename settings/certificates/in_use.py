"""Every certificate and revocation list that the settings name: usable, and until when.

RFC 5280 Sections 4.1.2.5 (validity) and 5.1.2.5 (next update).
"""

from __future__ import annotations

import os
import re
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
LIST_WARNED_BEFORE: Final = timedelta(days=1)  # lists are issued for a week, some for a day or two
_MOST_IN_A_FILE: Final = 20  # the issuers of a whole operating system are not ours to watch


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file of certificates, and the settings that name it.

    Attributes
    ----------
    of : as written in the settings: "dicom_tls.certificate_file", "peers.pacs.tls.ca_file"
    issuers : whether it holds those that others' certificates are checked against
    lists : whether it holds revocation lists
    """

    of: str
    file: Path
    issuers: bool
    lists: bool = False

    @property
    def warned_before(self) -> timedelta:
        """How long before its end somebody is told."""
        return LIST_WARNED_BEFORE if self.lists else WARNED_BEFORE


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when a file of certificates can be used.

    Attributes
    ----------
    subject : of the certificate that ends first, as RFC 4514 writes it; "" where there is none;
        of a revocation list its issuer
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
        if self.named.lists:
            return self._complaint_about_list(where, now)
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

    def _complaint_about_list(self, where: str, now: datetime) -> str:
        if self.ends_at is None or self.ends_at - now > LIST_WARNED_BEFORE:
            return ""
        moment = f"{self.ends_at:%Y-%m-%d %H:%M} UTC"
        if self.ends_at <= now:
            return (
                f"{where}: the revocation list of {self.subject} has expired on {moment}, and "
                "every certificate of this issuer is refused: fetch a new list"
            )
        return (
            f"{where}: the revocation list of {self.subject} expires on {moment}: fetch a new one"
        )

    def over(self, now: datetime) -> bool:
        """Whether it cannot be used now for its dates."""
        dated = self.ends_at is not None and self.begins_at is not None
        return dated and not self.begins_at <= now < self.ends_at  # type: ignore[operator]


def certificate_terms(settings: Settings) -> tuple[Term, ...]:
    """The term of every file of certificates or lists in the settings, each file once."""
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
        further = further_issuers(settings), further_lists(settings)
        yield ours.key_file, lambda: dicom_server_context(ours, *further)
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
    if settings.object_storage is not None:
        clients.append(("object_storage.tls", settings.object_storage.tls))
    if settings.audit.repository is not None:
        clients.append(("audit.repository", settings.audit.repository.tls))
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


def further_lists(settings: Settings) -> frozenset[Path]:
    """Files of revocation lists that single DICOM peers name beside the node's."""
    return frozenset(
        peer.tls.crl_file
        for peer in settings.peers
        if peer.tls is not None and peer.tls.crl_file is not None
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
    if settings.object_storage is not None:
        forms.append(("object_storage.tls", settings.object_storage.tls))
    if settings.sign_in.provider is not None:
        forms.append(("sign_in.provider", settings.sign_in.provider))
    forms += [("worklist_network", settings.worklist_network)]
    if settings.audit.repository is not None:
        forms.append(("audit.repository.tls", settings.audit.repository.tls))
    forms += [(f"peers.{one.name}", one) for one in settings.peers]
    for where, form in forms:
        for field, issuers in _FIELDS.items():
            file = getattr(form, field, None)
            if file is not None:
                lists = field == _LISTS
                yield NamedFile(f"{where}.{field}", Path(file), issuers, lists)


_FIELDS: Final = {
    "certificate_file": False,
    "certificate": False,
    "ca_file": True,
    "client_ca_file": True,
    "stow_ca_file": True,
    "crl_file": False,
}
"""Names of settings that name a file of certificates, and whether these are issuers."""
_LISTS: Final = "crl_file"
_LIST_IN_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


def _term(named: NamedFile) -> Term:
    if named.lists:
        return _term_of_lists(named)
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


def _term_of_lists(named: NamedFile) -> Term:
    """Of the list that has to be renewed first."""
    try:
        found = _LIST_IN_PEM.findall(named.file.read_bytes())
        lists = [x509.load_pem_x509_crl(one) for one in found]
    except OSError as error:
        return Term(named, fault=error.strerror or type(error).__name__)
    except ValueError:
        return Term(named, fault="a revocation list in it is damaged")
    if not lists:
        return Term(named, fault="it holds no revocation list in PEM form")
    # A list without a next update never ends (RFC 5280 asks for one, OpenSSL does not)
    ending = [(one.next_update_utc, one) for one in lists if one.next_update_utc is not None]
    if not ending:
        return Term(named)
    ends_at, first = min(ending, key=lambda one: one[0])
    begins_at = max(one.last_update_utc for one in lists)
    return Term(named, first.issuer.rfc4514_string(), begins_at, ends_at)


def _newest_of_each(issuers: list[x509.Certificate]) -> list[x509.Certificate]:
    """While an issuer is being renewed, its old and its new certificate stand side by side."""
    newest: dict[bytes, x509.Certificate] = {}
    for one in issuers:
        name = one.subject.public_bytes()
        known = newest.get(name)
        if known is None or known.not_valid_after_utc < one.not_valid_after_utc:
            newest[name] = one
    return list(newest.values())
