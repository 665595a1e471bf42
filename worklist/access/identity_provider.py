"""Asks an OpenID Connect provider who a person is, and checks the answer.

OpenID Connect Core 1.0 Section 3.1 (authorisation code flow), Discovery 1.0, PKCE (RFC 7636) and
the issuer in the answer (RFC 9207). Tokens are used once, to learn who it is, and not kept.
"""

from __future__ import annotations

import hmac
import json
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from http_client.bounded_client import AnswerLimits, bounded_client
from http_client.proxy import proxy_for
from radiology.errors import IdentityProviderUnavailable, IdentityRefused
from settings.page.sign_in import IdentityProvider, Role

_KEPT_S = 3600.0  # metadata and keys; a key that is not among them is looked for at once
_NOT_ASKED_AGAIN_S = 5.0  # after a failure, or everybody who waits would hold a thread
_LEEWAY_S = 120  # clocks differ
# Signatures with a public key only: with the others a client's secret could sign for the provider.
_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_HEADERS = {"Accept": "application/json"}
_MOST_BYTES = 1 << 20  # a provider with many keys says some tens of kilobytes
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Errand:
    """What belongs to one attempt to sign in, all of it made from a secret in the browser's cookie.

    The server stores nothing, and another browser cannot use it.
    """

    state: str
    nonce: str
    code_verifier: str

    @staticmethod
    def of(secret: str) -> Errand:
        """The errand of a cookie."""

        def derived(label: bytes) -> str:
            digest = hmac.digest(secret.encode(), b"firstread " + label, sha256)
            return urlsafe_b64encode(digest).decode().rstrip("=")

        return Errand(derived(b"state"), derived(b"nonce"), derived(b"code verifier"))


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, as the provider names them, and what they may do here."""

    issuer: str
    subject: str
    name: str
    role: Role


class ProviderClient:
    """Asks one provider.

    Parameters
    ----------
    seconds : a clock that only goes forward
    """

    def __init__(
        self, provider: IdentityProvider, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._seconds = seconds
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: Mapping[str, Any] = {}
        self._known_until = float("-inf")
        self._silent_until = float("-inf")

    def authorization_address(self, errand: Errand, redirect_uri: str) -> str:
        """Where to send the browser.

        Raises
        ------
        IdentityProviderUnavailable, IdentityRefused
        """
        parameters = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._provider.scopes),
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": create_s256_code_challenge(errand.code_verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return str(add_params_to_uri(endpoint, list(parameters.items())))

    def identity(
        self, answer: Mapping[str, str], errand: Errand, redirect_uri: str, now: datetime
    ) -> Identity:
        """Who it is.

        Parameters
        ----------
        answer : the parameters that the browser brings back

        Raises
        ------
        IdentityRefused
            The answer is not one to this errand, not by this provider, not for us, too old, or
            names no role.
        IdentityProviderUnavailable
            The provider does not answer.
        """
        self._check_answer(answer, errand)
        tokens = self._tokens(answer["code"], errand, redirect_uri)
        claims = self._claims(tokens, errand, now)
        wanted = {self._provider.name_claim, self._provider.groups_claim}
        if not wanted <= set(claims) and self._load().get("userinfo_endpoint"):
            claims = {**self._user_info(tokens, claims["sub"]), **claims}
        return self._identity(claims)

    def _check_answer(self, answer: Mapping[str, str], errand: Errand) -> None:
        state = answer.get("state", "")
        if not hmac.compare_digest(state.encode(errors="replace"), errand.state.encode()):
            raise IdentityRefused("The answer belongs to another attempt to sign in")
        # RFC 9207 Section 2.4: another provider's answer could be slipped in otherwise.
        must_name = self._load().get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:
            raise IdentityRefused("The answer is another provider's")
        if must_name and "iss" not in answer:
            raise IdentityRefused("The answer does not name its provider")
        if "error" in answer or not answer.get("code"):
            raise IdentityRefused("The provider has not let the person in")

    def _tokens(self, code: str, errand: Errand, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": errand.code_verifier,
        }
        secret = self._provider.client_secret()
        supported = self._load().get("token_endpoint_auth_methods_supported")
        basic = not supported or "client_secret_basic" in supported
        authentication = None
        if secret is None or not basic:
            form["client_id"] = self._provider.client_id
            if secret is not None:
                form["client_secret"] = secret
        else:  # RFC 6749 Section 2.3.1: both are encoded before they are joined
            authentication = httpx.BasicAuth(
                quote(self._provider.client_id, safe=""), quote(secret, safe="")
            )
        endpoint = self._endpoint("token_endpoint")
        return self._ask("POST", endpoint, data=form, auth=authentication)

    def _claims(self, tokens: Mapping[str, Any], errand: Errand, now: datetime) -> dict[str, Any]:
        """The claims of the ID token, checked as Core 1.0 Section 3.1.3.7 asks for."""
        written = tokens.get("id_token")
        if not isinstance(written, str):
            raise IdentityRefused("The provider gives no ID token")
        offered = self._load().get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(
            algorithms=sorted(_ALGORITHMS & set(offered)), strict_check_header=False
        )
        try:
            try:
                decoded = jwt.decode(written, self._key_set(), registry=registry)
            except InvalidKeyIdError:  # the provider has changed its keys
                decoded = jwt.decode(written, self._key_set(anew=True), registry=registry)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise IdentityRefused("The ID token is not signed by the provider") from error
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self._provider.issuer},
                "aud": {"essential": True, "value": self._provider.client_id},
            },
            {
                "nonce": errand.nonce,
                "client_id": self._provider.client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        try:
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise IdentityRefused("The ID token is not for us, or too old") from error
        return dict(decoded.claims)

    def _user_info(self, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
        token = tokens.get("access_token")
        if not isinstance(token, str):
            return {}
        headers = {"Authorization": f"Bearer {token}"}
        found = self._ask("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        if found.get("sub") != subject:  # Core 1.0 Section 5.3.2: tokens may have been swapped
            raise IdentityRefused("The provider tells of another person")
        return found

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject, name = claims.get("sub"), claims.get(self._provider.name_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise IdentityRefused("The provider does not say who it is")
        if not isinstance(name, str) or not name.strip():
            raise IdentityRefused("The provider gives no name: see sign_in.provider.name_claim")
        given = claims.get(self._provider.groups_claim, [])
        groups = given if isinstance(given, list) else [given]
        roles = {self._provider.roles.get(group) for group in groups if isinstance(group, str)}
        for role in (Role.ADMINISTRATOR, Role.READER, Role.SENDER):
            if role in roles:
                return Identity(self._provider.issuer, subject, name, role)
        raise IdentityRefused("The person is in no group that has a role here")

    def _endpoint(self, name: str) -> str:
        address = self._load().get(name)
        if not isinstance(address, str):
            raise IdentityProviderUnavailable("The identity provider's metadata are not complete")
        return address

    def _key_set(self, *, anew: bool = False) -> KeySet:
        if anew:
            self._load(anew=True)
        return KeySet.import_key_set(dict(self._keys))  # type: ignore[arg-type]

    def _load(self, *, anew: bool = False) -> Mapping[str, Any]:
        """Metadata and keys, kept for a while."""
        with self._lock:
            now = self._seconds()
            if now < self._known_until and not anew:
                return self._metadata
            if now < self._silent_until:
                raise IdentityProviderUnavailable
            self._silent_until = now + _NOT_ASKED_AGAIN_S
            metadata = self._ask("GET", self._provider.issuer.rstrip("/") + _DISCOVERY)
            if metadata.get("issuer") != self._provider.issuer:
                raise IdentityRefused("The provider names itself otherwise than the settings do")
            self._keys = self._ask("GET", str(metadata.get("jwks_uri")))
            self._metadata, self._known_until = metadata, now + _KEPT_S
            self._silent_until = float("-inf")
            return metadata

    def _ask(self, method: str, address: str, **request: Any) -> dict[str, Any]:
        """Ask for a JSON object; what the provider refuses is a refusal, the rest is a failure."""
        try:
            answer = self._answer(method, address, request)
            if answer.is_client_error:
                raise IdentityRefused(
                    "The identity provider refuses", http_status=answer.status_code
                )
            if not answer.is_success:
                raise IdentityProviderUnavailable
            found = json.loads(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise IdentityProviderUnavailable from error
        if not isinstance(found, dict):
            raise IdentityProviderUnavailable("The identity provider's answer cannot be read")
        return found

    def _answer(self, method: str, address: str, request: Mapping[str, Any]) -> httpx.Response:
        """Ask once; the time has a limit as a whole, for others wait for the same answer."""
        with bounded_client(
            AnswerLimits.of_all(self._provider.answer_s, _MOST_BYTES),
            trust=ssl.create_default_context(cafile=self._provider.ca_file),
            headers=_HEADERS,
            proxy=proxy_for(address),  # a provider may stand outside the hospital
        ) as client:
            return client.request(method, address, **request)
