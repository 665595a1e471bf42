"""The headers that every answer carries, errors too.

Content Security Policy Level 3 (W3C): nothing from elsewhere is loaded, framed or executed, and
nothing that stands in the page itself is executed.

A viewer of others (`worklist.ohif`) has a policy of its own, for its addresses alone: it compiles
decoders (WebAssembly, and functions from text), runs workers, writes styles, and shares memory with
its workers, which HTML allows to a page that is isolated from others (Cross-Origin-Opener-Policy,
Cross-Origin-Embedder-Policy). It still loads nothing from elsewhere.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": it would turn the Origin of our own forms into "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


_OF_VIEWERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; "
        "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
        "manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_VIEWERS = ("/ohif/",)


def add_security_headers(headers: MutableHeaders, path: str = "") -> None:
    """Put the headers on an answer; an answer with its own caching header keeps it.

    Parameters
    ----------
    path : the address that is answered
    """
    more = _OF_VIEWERS if path.startswith(_VIEWERS) else {}
    for name, value in {**_HEADERS, **more}.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")  # patients' data stay out of browser caches
