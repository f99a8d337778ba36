"""Which proxy is for the tenant: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings.

`NO_PROXY` has no standard. These forms are read, separated by commas or white space:

    *                   every host
    example.com         that host and those below it; .example.com and *.example.com are the same
    192.0.2.7  ::1      an address
    10.0.0.0/8          a network
    example.com:8443    any of these with a port; an IPv6 address stands in brackets then
"""

import ipaddress
import re
import urllib.request
from urllib.parse import urlsplit


def proxy_of_environment(origin: str) -> str | None:
    """Return the URL of the proxy for an origin such as `https://yourco.krebit.se`, or None."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or 443
    proxies = urllib.request.getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or is_exempt(host, port, proxies.get("no", "")):
        return None
    is_systems = not urllib.request.getproxies_environment()
    if is_systems and urllib.request.proxy_bypass(host):
        return None
    return url


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a value of `NO_PROXY` exempts a host, which is a name or an address without brackets."""
    return any(_matches(host.lower(), port, entry) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    entry, own_port = _split_port(entry)
    if own_port not in (None, port):
        return False
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return _matches_name(host, entry)
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False  # the host is a name


def _split_port(entry: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"\[([^\]]*)\](?::([0-9]{1,5}))?|([^:]*):([0-9]{1,5})", entry)
    if found is None:
        return entry, None
    host = found[1] or found[3] or ""
    port = found[2] or found[4]
    return host, int(port) if port else None


def _matches_name(host: str, entry: str) -> bool:
    name = entry.removeprefix("*").strip(".")
    host = host.rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
