"""TLS for MLLP, as client and as server. A peer's certificate is always checked where there is one.

RFC 8446; IHE ATNA (ITI TF-2: 3.19) asks for both sides' certificates.
"""

from __future__ import annotations

import ssl

from radiology.errors import SettingsRefused
from settings.hl7 import Hl7ClientTls, Hl7ListenerTls


def client_context(tls: Hl7ClientTls) -> ssl.SSLContext:
    """For a receiver that we call.

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file and str(tls.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except OSError as error:
        raise _unreadable(error) from error
    return context


def listener_context(tls: Hl7ListenerTls) -> ssl.SSLContext:
    """For those who call us.

    Raises
    ------
    SettingsRefused
        A file cannot be read, or is no certificate or key.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(tls.certificate_file, tls.key_file)
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise _unreadable(error) from error
    return context


def _unreadable(error: OSError) -> SettingsRefused:
    return SettingsRefused(
        "A certificate or key for HL7 cannot be read", reason=type(error).__name__
    )
