"""What others may see of Firstread at work: who may read its metrics, and where its traces go."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, model_validator

from radiology.errors import SettingsRefused

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SHORTEST_TOKEN = 20  # characters: nobody guesses one that was made by chance


class Monitoring(BaseModel):
    """Metrics for Prometheus, and traces for a collector of OpenTelemetry.

    Attributes
    ----------
    metrics_token, metrics_token_file : what a scraper sends as bearer token (RFC 6750); without
        one the metrics are shown to this machine alone
    traces_url : of the collector, for OTLP over HTTP, with its path; without it nothing is traced
    traces_headers : sent with each request to the collector, where it asks for a secret
    traces_ca_file : certificates that the collector's TLS certificate is checked against
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics_token: SecretStr | None = Field(default=None, min_length=_SHORTEST_TOKEN)
    metrics_token_file: Path | None = None
    traces_url: AnyHttpUrl | None = None
    traces_headers: dict[str, SecretStr] = Field(default_factory=dict)
    traces_ca_file: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.metrics_token is not None and self.metrics_token_file is not None:
            raise ValueError("the token of the metrics is given twice")
        url = self.traces_url
        if url is None:
            if self.traces_headers or self.traces_ca_file is not None:
                raise ValueError("traces_headers and traces_ca_file need traces_url")
        elif self.traces_headers and url.scheme != "https" and url.host not in _LOOPBACK:
            raise ValueError("secret headers are only sent over https")
        return self

    def token(self) -> str | None:
        """What a scraper must send; None where only this machine may see the metrics.

        Raises
        ------
        SettingsRefused
            The file that should hold it cannot be read, or holds too little.
        """
        if self.metrics_token_file is None:
            return self.metrics_token.get_secret_value() if self.metrics_token else None
        try:
            token = self.metrics_token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(
                "The file with the token of the metrics cannot be read: correct "
                "monitoring.metrics_token_file, or who may read it"
            ) from error
        if len(token) < _SHORTEST_TOKEN:
            raise SettingsRefused(
                f"The token of the metrics has fewer than {_SHORTEST_TOKEN} characters: "
                "make one with 'openssl rand -hex 24'"
            )
        return token
