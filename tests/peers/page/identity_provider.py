"""An OpenID Connect provider: pyop of the Identity Python project, behind a small web server.

pyop and the libraries below it have nothing in common with what the page signs in with.
"""

from __future__ import annotations

import functools
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from Cryptodome.PublicKey import RSA
from jwkest import b64d
from jwkest.jwk import RSAKey, SYMKey
from jwkest.jws import JWS
from pyop.authz_state import AuthorizationState
from pyop.exceptions import InvalidClientAuthentication, OAuthError
from pyop.provider import Provider
from pyop.subject_identifier import HashBasedSubjectIdentifierFactory
from pyop.userinfo import Userinfo

from tests.builders.dicom.certificates import write_certificate

CLIENT_ID = "firstread"
CLIENT_SECRET = "a secret: with % and + in it"


@dataclass
class RunningProvider:
    """A provider that knows some people.

    Attributes
    ----------
    people : by the word that is clicked, what the provider says of each
    certificate : what its own is checked against
    claims_in_token : claims are in the ID token; otherwise only in the userinfo
    overrides : claims that every ID token carries instead of the right ones, for an evil provider
    algorithm : that ID tokens are signed with; "HS256" takes the client's secret, "none" nothing
    """

    issuer: str
    people: dict[str, dict[str, Any]]
    certificate: Path
    claims_in_token: bool = True
    overrides: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    token_requests: list[dict[str, str]] = field(default_factory=list)
    provider: Any = None

    def change_keys(self) -> None:
        """Sign with another key from now on."""
        self.provider.signing_key = _new_key("another")


class _Provider(Provider):  # type: ignore[misc]
    """Puts further claims into ID tokens, and wrong ones when it is told to be evil."""

    running: RunningProvider

    def _create_signed_id_token(self, client_id: str, sub: str, *rest: Any, **more: Any) -> str:
        written: str = super()._create_signed_id_token(client_id, sub, *rest, **more)
        claims = json.loads(b64d(written.split(".")[1].encode()))
        if self.running.claims_in_token:
            claims |= next(one for one in self.running.people.values() if one["sub"] == sub)
        claims |= self.running.overrides
        algorithm = self.running.algorithm
        key = SYMKey(key=CLIENT_SECRET) if algorithm == "HS256" else self.signing_key
        signed: str = JWS(json.dumps(claims), alg=algorithm).sign_compact([key])
        return signed


@functools.cache  # making one takes its time
def _new_key(name: str) -> RSAKey:
    return RSAKey(key=RSA.generate(2048), alg="RS256", use="sig", kid=name)


@contextmanager
def running_identity_provider(
    people: dict[str, dict[str, Any]], *, redirect_uris: list[str], folder: Path
) -> Iterator[RunningProvider]:
    """Serve until the end of the block.

    Parameters
    ----------
    people : each with `sub` and further claims
    redirect_uris : where browsers may be sent back to
    folder : its certificate is kept there
    """
    files = write_certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer = f"https://127.0.0.1:{server.server_address[1]}"
    running = RunningProvider(issuer, people, files.certificate)
    running.provider = _Provider(
        _new_key("first"),
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "scopes_supported": ["openid", "profile"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        },
        AuthorizationState(HashBasedSubjectIdentifierFactory("salt")),
        {
            CLIENT_ID: {
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "redirect_uris": redirect_uris,
                "response_types": ["code"],
                "subject_type": "public",
                "token_endpoint_auth_method": "client_secret_basic",
            }
        },
        Userinfo(people),
        extra_scopes={"profile": ["preferred_username", "groups"]},
    )
    running.provider.running = running
    server.running = running  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """The endpoints of the provider."""

    @property
    def _running(self) -> RunningProvider:
        running: RunningProvider = self.server.running  # type: ignore[attr-defined]
        return running

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Metadata, keys, the page that asks who one is, and the way back."""
        parts, running = urlsplit(self.path), self._running
        provider = running.provider
        if parts.path == "/.well-known/openid-configuration":
            self._json(provider.provider_configuration.to_json())
        elif parts.path == "/jwks":
            self._json(json.dumps(provider.jwks))
        elif parts.path == "/authorize":
            provider.parse_authentication_request(parts.query)
            links = "".join(
                f'<p><a href="/as?{escape(urlencode({"who": who}))}&amp;{escape(parts.query)}">'
                f"{escape(who)}</a></p>"
                for who in running.people
            )
            self._answer(200, "text/html", f"<h1>Who are you?</h1>{links}")
        elif parts.path == "/as":
            self._let_in(parts.query)
        elif parts.path == "/userinfo":
            found = provider.handle_userinfo_request(parts.query, self._headers())
            self._json(found.to_json())
        else:
            self._answer(404, "text/plain", "")

    def do_POST(self) -> None:
        """The token endpoint."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._running.token_requests.append(dict(parse_qsl(body)))
        try:
            answer = self._running.provider.handle_token_request(body, self._headers())
        except (OAuthError, InvalidClientAuthentication):
            self._answer(400, "application/json", '{"error": "invalid_grant"}')
            return
        self._json(answer.to_json())

    def _let_in(self, query: str) -> None:
        running, parameters = self._running, dict(parse_qsl(query))
        who = parameters.pop("who")
        request = running.provider.parse_authentication_request(urlencode(parameters))
        answer = running.provider.authorize(request, who)
        answer["iss"] = running.issuer
        self.send_response(303)
        self.send_header("Location", answer.request(request["redirect_uri"]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self.headers.get("Authorization", "")}

    def _json(self, text: str) -> None:
        self._answer(200, "application/json", text)

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
