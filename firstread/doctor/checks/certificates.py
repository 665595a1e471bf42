"""Certificates and keys that the settings name."""

from __future__ import annotations

from collections.abc import Iterator

from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, say, warning
from settings.certificates.in_use import certificate_terms, unusable

_RENEW = say(
    "Have it issued anew and put it in the place of the old file, with its key: it is read again "
    "by itself, without a restart (docs/tls.md, Certificates)."
)


def look_at_certificates(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Each file with its end, and what TLS cannot be spoken with."""
    now = site.clock()
    terms = certificate_terms(site.settings)
    for term in terms:
        name, of = "certificates", term.named.of
        complaint = term.complaint(now)
        said = say("%(reason)s", reason=complaint)
        if term.fault:
            cure = say(
                "Put a PEM file there that the user of Firstread may read, or correct the setting."
            )
            yield broken(name, said, cure, of=of)
        elif complaint:
            yield (broken if term.over(now) else warning)(name, said, _RENEW, of=of)
        elif (days := term.days_left(now)) is not None:
            yield fine(
                name,
                say("%(subject)s is valid for %(days)s more days", subject=term.subject, days=days),
                of=of,
            )
    faults = list(unusable(site.settings))
    for fault in faults:
        yield broken(
            "certificates.pair",
            say("%(reason)s", reason=fault),
            say(
                "Compare 'openssl x509 -noout -pubkey -in CERTIFICATE' with 'openssl pkey -pubout "
                "-in KEY': both must print the same. Put the key there that belongs to the "
                "certificate."
            ),
        )
    if not terms and not faults:
        yield fine("certificates", say("The settings name no certificate"))
