"""TLS contexts made of the files in the settings. Nothing below TLS 1.2, and no check left out.

RFC 9325 (BCP 195), PS3.15 Annex B (profiles for DICOM), RFC 7919 (ffdhe2048); IHE ATNA
(ITI TF-2: 3.19) asks for both sides' certificates.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from radiology.errors import SettingsRefused
from settings.tls import ClientTls, DicomTls, ListenerTls, PeerTls, TlsProfile

# Suites of TLS 1.2 with forward secrecy and authenticated encryption. Of TLS 1.3 every suite is
# one. Level 2 of OpenSSL: keys of RSA from 2048 bits on, no SHA-1.
_STRONG: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_SUITES: Final = {
    # PS3.15 B.10 asks for the four of RFC 7525 Section 4.2, two of them with DHE
    TlsProfile.NON_DOWNGRADING: f"{_STRONG}:DHE+AESGCM",
    # RFC 9325 Section 4.2 discourages CBC and does not forbid it; SHA-1 stays out
    TlsProfile.BCP_195: f"{_STRONG}:DHE+AESGCM:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256",
    # PS3.15 B.13, those of its list that OpenSSL has at this level
    TlsProfile.MODIFIED_BCP_195: f"{_STRONG}:ECDHE+AESCCM",
}
_LEVEL: Final = ":!aNULL:!eNULL:!kRSA:@SECLEVEL=2"
_DH_GROUP: Final = Path(__file__).with_name("ffdhe2048.pem")


def client_context(tls: ClientTls, what: str) -> ssl.SSLContext:
    """For a receiver that we call by its host name.

    Parameters
    ----------
    what : whose files they are, for the error

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    with _readable(what):
        context = ssl.create_default_context(cafile=tls.ca_file and str(tls.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate_file is not None:
            _load_pair(context, tls.certificate_file, tls.key_file)
        _look_for_revoked(context, tls.crl_file)
    return context


def listener_context(tls: ListenerTls, what: str) -> ssl.SSLContext:
    """For those who call us.

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    with _readable(what):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _load_pair(context, tls.certificate_file, tls.key_file)
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        _look_for_revoked(context, tls.crl_file)
    return context


def dicom_server_context(
    tls: DicomTls,
    further_issuers: frozenset[Path],
    further_lists: frozenset[Path] = frozenset(),
) -> ssl.SSLContext:
    """For peers that call our DICOM node; none gets in without a certificate.

    Parameters
    ----------
    further_issuers : files of issuers that single peers name; whose certificate is whose is
        compared after the handshake
    further_lists : files of revocation lists that single peers name; as soon as there is one file,
        every issuer needs a list

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    with _readable("dicom_tls"):
        context = _dicom_context(ssl.PROTOCOL_TLS_SERVER, tls.profile)
        context.load_dh_params(str(_DH_GROUP))
        context.num_tickets = 0  # each association shows its certificate anew
        _load_pair(context, tls.certificate_file, tls.key_file)
        for file in (tls.ca_file, *sorted(further_issuers)):
            context.load_verify_locations(file)
        _look_for_revoked(context, tls.crl_file, *sorted(further_lists))
    return context


def dicom_client_context(tls: PeerTls, peer: str) -> ssl.SSLContext:
    """For a DICOM peer that we call; whose certificate it shows is compared after the handshake.

    Parameters
    ----------
    tls : completed by `dicom_tls`
    peer : its name, for the error

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    with _readable(f"peer {peer}"):
        profile = tls.profile or TlsProfile.NON_DOWNGRADING
        context = _dicom_context(ssl.PROTOCOL_TLS_CLIENT, profile)
        if tls.ca_file is None or tls.certificate_file is None:
            raise SettingsRefused("TLS with a DICOM peer needs dicom_tls", peer=peer)
        _load_pair(context, tls.certificate_file, tls.key_file)
        context.load_verify_locations(tls.ca_file)
        _look_for_revoked(context, tls.crl_file)
    return context


def _dicom_context(side: int, profile: TlsProfile) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.check_hostname = False  # names are compared with the settings, in both directions
    context.verify_mode = ssl.CERT_REQUIRED
    # An issuer may be an intermediate one, or the peer's own certificate: it is named explicitly.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_TICKET
    context.set_ciphers(_SUITES[profile] + _LEVEL)
    return context


def _look_for_revoked(context: ssl.SSLContext, *crl_files: Path | None) -> None:
    """Refuse what a revocation list names, and what no list in force speaks of.

    OpenSSL looks at the certificate that is shown, not at its issuers (X509_V_FLAG_CRL_CHECK): a
    list of an issuer that was revoked itself would not be kept by whoever trusts that issuer.
    """
    for file in filter(None, crl_files):
        content = file.read_bytes()
        # OpenSSL would trust a certificate that lies in the file, and take a file without a list.
        if b"-----BEGIN X509 CRL-----" not in content or b"CERTIFICATE-----" in content:
            raise ssl.SSLError("crl_file holds revocation lists in PEM form, and nothing else")
        context.load_verify_locations(file)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    # A key with a passphrase would otherwise ask a terminal that is not there.
    context.load_cert_chain(certificate, key, password=lambda: "")


@contextmanager
def _readable(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        raise SettingsRefused(
            "Certificate, key, issuers or revocation lists for TLS cannot be used: are they PEM "
            "files, readable, the key without a passphrase, and do certificate and key belong "
            "together?",
            of=what,
            reason=getattr(error, "reason", None) or error.strerror or str(error),
        ) from error
