"""Which proxy the environment names for an address: `https_proxy`, `http_proxy`, `all_proxy`."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

import httpx


def proxy_for(address: str) -> str | None:
    """The proxy by which an address is reached; None where it is called itself (`no_proxy`)."""
    url = httpx.URL(address)
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    named = (url.host, url.netloc.decode())  # `no_proxy` may hold names, and names with a port
    if not proxy or any(proxy_bypass(name, proxies) for name in named):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
