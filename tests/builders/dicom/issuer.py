"""An issuer of certificates, and certificates with whatever is wrong with them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NOT_SECRET = serialization.NoEncryption()


@dataclass(frozen=True)
class Issued:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal."""
        return self.read().fingerprint(hashes.SHA256()).hex()

    def read(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    def put_in_place_of(self, other: Issued) -> None:
        """Write it where another one lies, the certificate first."""
        other.certificate.write_bytes(self.certificate.read_bytes())
        other.key.write_bytes(self.key.read_bytes())


@dataclass(frozen=True)
class Issuer:
    """One of a hospital, made for the test.

    Attributes
    ----------
    file : its own certificate: what those who trust it name as `ca_file`
    """

    folder: Path
    name: str
    file: Path
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, folder: Path, name: str = "Hospital") -> Self:
        """Make one."""
        folder.mkdir(parents=True, exist_ok=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = _name(f"{name} CA")
        now = datetime.now(UTC)
        certificate = (
            _builder(subject, subject, key, now - timedelta(days=400), now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = folder / f"{name}-ca.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, name, file, key, certificate)

    def issue(
        self,
        common_name: str,
        *names: str,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=365),
        bits: int = 2048,
        purposes: tuple[x509.ObjectIdentifier, ...] = (
            ExtendedKeyUsageOID.SERVER_AUTH,
            ExtendedKeyUsageOID.CLIENT_AUTH,
        ),
        file_name: str = "",
    ) -> Issued:
        """Issue a certificate.

        Parameters
        ----------
        common_name : of its subject
        names : DNS names and addresses of its subject alternative names
        begins, ends : from now
        bits : of its RSA key
        purposes : of its extended key usage
        """
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        now = datetime.now(UTC)
        builder = _builder(
            _name(common_name), self.certificate.subject, key, now + begins, now + ends
        ).add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if names:
            alternatives = x509.SubjectAlternativeName([_general_name(one) for one in names])
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        stem = file_name or common_name
        issued = Issued(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        issued.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _NOT_SECRET
            )
        )
        return issued

    def list_revoked(
        self,
        *revoked: Issued,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=7),
    ) -> bytes:
        """A revocation list of these certificates, in PEM form.

        Parameters
        ----------
        begins, ends : from now: this update and the next one
        """
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now + begins)
            .next_update(now + ends)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.read().serial_number)
                .revocation_date(now + begins)
                .build()
            )
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
