"""Sign-in to the worklist page: for how long, and with whose identity provider."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from radiology.errors import SettingsRefused

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Role(StrEnum):
    """What somebody may do. An administrator may also do what the others may.

    A sender is a program: it stores and retrieves by DICOMweb, and is shown no page.
    """

    READER = "reader"
    SENDER = "sender"
    ADMINISTRATOR = "administrator"


class IdentityProvider(BaseModel):
    """An OpenID Connect provider (OpenID Connect Core 1.0) that people may sign in with.

    Attributes
    ----------
    issuer : as the provider's own metadata name it, character for character
    secret, secret_file : of the client; neither for a public one, which PKCE alone protects
    label : stands on the button
    name_claim : the claim that names a person in audit events and on the page
    groups_claim : the claim whose values `roles` translates
    roles : from a value of that claim to a role; who has none of them is not let in
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str  # no URL type: those would change a character that the provider has
    client_id: str = Field(min_length=1)
    secret: SecretStr | None = None
    secret_file: Path | None = None
    label: str = "Sign in with the hospital's account"
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: dict[str, Role] = Field(min_length=1)
    ca_file: Path | None = None
    answer_s: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        issuer = urlsplit(self.issuer)
        if issuer.scheme not in ("http", "https") or not issuer.hostname:
            raise ValueError("issuer is no address of a web server")
        if issuer.scheme != "https" and issuer.hostname not in _LOOPBACK:
            raise ValueError("an identity provider is only asked over https")
        if self.secret is not None and self.secret_file is not None:
            raise ValueError("the client's secret is given twice")
        if "openid" not in self.scopes:
            raise ValueError('scopes lacks "openid"')
        return self

    def client_secret(self) -> str | None:
        """The secret of the client; None for a public one.

        Raises
        ------
        SettingsRefused
            The file that should hold it cannot be read.
        """
        if self.secret_file is None:
            return self.secret.get_secret_value() if self.secret else None
        try:
            return self.secret_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(
                "The file with the identity provider's client secret cannot be read: correct "
                "sign_in.provider.secret_file, or who may read it"
            ) from error


class SignIn(BaseModel):
    """How long somebody stays signed in, and how.

    Attributes
    ----------
    idle_minutes : without a request for so long, a session ends; a page that only follows the
        list makes no request
    longest_hours : a session ends after so long in any case
    shortest_password : characters; NIST SP 800-63B Section 3.1.1.2 asks for 15 where a password
        is all that is asked for, 8 beside another factor
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    idle_minutes: float = Field(default=120.0, gt=0)
    longest_hours: float = Field(default=12.0, gt=0)
    shortest_password: int = Field(default=15, ge=8, le=64)
    provider: IdentityProvider | None = None
