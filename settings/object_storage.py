"""Object storage: the bucket that instances, results, quarantine and uploads are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from radiology.errors import SettingsRefused
from settings.tls import ClientTls

_LONGEST_PREFIX = 200


class ObjectStorage(BaseModel):
    """A bucket of a service that speaks the protocol of Amazon S3.

    Attributes
    ----------
    endpoint : address of the service; the bucket's name goes into the path behind it
    bucket : it is there already; nothing of ours makes one
    prefix : what the names of our objects begin with, so that a bucket may hold other things too
    access_key : what the service knows us by
    secret_key, secret_key_file : what requests are signed with; one of the two
    tls : the service's certificate is always checked where `endpoint` begins with https
    timeout_s : how long is waited for the service to go on, at each of three attempts
    sweep_s : how often each host removes copies of what is not in the bucket any more
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="firstread", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")
    region: str = "us-east-1"
    access_key: str
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    tls: ClientTls | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=300)
    sweep_s: float = Field(default=300.0, gt=0)

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("not an address that begins with http:// or https://")
        return endpoint.rstrip("/")

    @field_validator("prefix")
    @classmethod
    def _check_prefix(cls, prefix: str) -> str:
        if len(prefix) > _LONGEST_PREFIX:
            raise ValueError("too long: an object's name has at most 1024 bytes")
        return prefix

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        if (self.secret_key is None) == (self.secret_key_file is None):
            raise ValueError("give either secret_key or secret_key_file")
        if self.tls is not None and not self.endpoint.startswith("https://"):
            raise ValueError("tls needs an endpoint that begins with https://")
        if self.tls is not None and self.tls.crl_file is not None:
            raise ValueError(
                "leave tls.crl_file out: the client for object storage reads no such lists"
            )
        return self

    def secret(self) -> SecretStr:
        """What requests are signed with.

        Raises
        ------
        SettingsRefused
            Its file cannot be read.
        """
        if self.secret_key_file is None:
            assert self.secret_key is not None
            return self.secret_key
        try:
            return SecretStr(self.secret_key_file.read_text().strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(
                "The file that object_storage.secret_key_file names cannot be read: "
                "correct the name, or who may read it"
            ) from error
