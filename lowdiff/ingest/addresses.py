"""Which addresses a source may ask: its hosts, and never this machine by a trick."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from lowdiff.errors import InputError
from lowdiff.ingest.source_kinds import AskingSource

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → IP addresses; raises OSError when there are none."""
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_OWN_NETWORKS = tuple(
    ipaddress.ip_network(one)
    for one in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
)
"""This machine and private networks: what `allow_loopback` allows, and no more."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
MAX_LENGTH = 2000
"""As it is sent; PostgreSQL finds nothing again by more than 2,700."""


@dataclass(frozen=True)
class WebAddress:
    """An http(s) address that may be sent as it is written."""

    text: str
    scheme: str
    host: str
    """Lower case, without brackets."""
    origin: str
    """`https://host:port`, the port only where it is not the scheme's own."""
    path: str
    """Path and query."""

    def __str__(self) -> str:
        return self.text


def parse_address(text: str) -> WebAddress:
    """Read an http(s) address; only what no server could understand is percent-encoded.

    Raises:
        InputError: it is none, has a password, or hides an IP address in an odd form.
    """
    if _CONTROL.search(text) or len(text) > MAX_LENGTH:
        raise _bad(text[:200], f"control characters or more than {MAX_LENGTH} characters")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
        netloc = _netloc(host, port)
        path = quote(parts.path or "/", safe=_ASCII)
        query = quote(parts.query, safe=_ASCII)
    except (ValueError, UnicodeError) as error:
        raise _bad(text, error) from error
    if parts.scheme not in ("http", "https") or not host:
        raise _bad(text, parts.scheme or "no scheme", allowed="http:// or https:// and a host")
    if "@" in parts.netloc:
        raise _bad(text.rpartition("@")[2], "a user name in it")
    if ":" not in host and _NUMBER.search(host) and not _is_ipv4(host):
        raise _bad(text, f"host {host}", allowed="IP addresses as four decimal numbers")
    path += f"?{query}" if query else ""
    origin = f"{parts.scheme}://{netloc}"
    default = {"http": 80, "https": 443}[parts.scheme]
    if port == default:
        origin = f"{parts.scheme}://{_netloc(host, None)}"
    if len(origin + path) > MAX_LENGTH:
        raise _bad(text[:200], f"more than {MAX_LENGTH} characters, percent-encoded")
    return WebAddress(origin + path, parts.scheme, host, origin, path)


def check_url(text: str, source: AskingSource) -> WebAddress:
    """An address of an allowed host with an allowed scheme.

    Raises:
        InputError: it is not.
    """
    url = parse_address(text)
    if url.host not in source.hosts:
        raise InputError(
            text,
            "is on a host that the source does not allow",
            reason="host_not_allowed",
            found=url.host,
            allowed=source.hosts_in_words,
            do=f"Add it to allowed_hosts of source {source.name} if it belongs to it.",
        )
    return url


def redirected(url: WebAddress, location: str) -> WebAddress:
    """Where an answer sends us.

    Raises:
        InputError: to no web address, or from https to http.
    """
    try:
        joined = urljoin(url.text, location.strip())
    except ValueError as error:
        raise _bad(location[:200], error) from error
    target = parse_address(joined)
    if url.scheme == "https" and target.scheme == "http":
        raise InputError(
            url,
            "redirects from https to http",
            reason="insecure_redirect",
            found=target.text,
            allowed="https",
        )
    return target


def check_literal(url: WebAddress, *, allow_loopback: bool) -> None:
    """Refuse a host that is itself an IP address which must not be asked.

    Raises:
        InputError: it is.
    """
    try:
        ipaddress.ip_address(url.host.partition("%")[0])
    except ValueError:
        return  # a name: looked up and checked when we connect
    check_peer(url.host, item=url.text, allow_loopback=allow_loopback)


def check_peer(address: str, *, item: str, allow_loopback: bool = False) -> None:
    """Refuse an IP address that is not on the public internet.

    Args:
        allow_loopback: this machine and private networks may be asked, too; link-local addresses
            (those of cloud machines' credentials), multicast and the like never.

    Raises:
        InputError: it is not.
    """
    for ip in _all_of(ipaddress.ip_address(address.partition("%")[0])):
        own = allow_loopback and any(ip in network for network in _OWN_NETWORKS)
        if not own and not _is_public(ip):
            raise InputError(
                item,
                "is on this machine or in a private network",
                reason="private_address",
                found=address,
                allowed="public addresses",
                do="Set allow_loopback = true in a source of your own network.",
            )


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """Ask the system."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host[:100]!r} is no name of a host: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_rest, address in found))


class CheckedResolver(AbstractResolver):
    """Looks a host up once for each connection, which then goes to the addresses checked here."""

    def __init__(self, lookup: Lookup, *, allow_loopback: bool) -> None:
        self._lookup = lookup
        self._allow_loopback = allow_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Checked addresses of a host.

        Raises:
            InputError: one of them is private and the source does not allow that.
            OSError: the name cannot be looked up now.
        """
        addresses = await self._lookup(host, port)
        for address in addresses:
            check_peer(address, item=host, allow_loopback=self._allow_loopback)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _all_of(ip: IpAddress) -> Iterator[IpAddress]:
    """An address and the IPv4 addresses inside it, to which gateways would pass it on."""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    yield ip
    if isinstance(ip, ipaddress.IPv6Address) and int(ip) > 1:
        if ip.sixtofour is not None:
            yield ip.sixtofour
        if ip.teredo is not None:
            yield from ip.teredo
        if ip in _NAT64 or ip in _COMPATIBLE:
            yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def _is_public(ip: IpAddress) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip in _LOCAL_NAT64):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_unspecified


def _netloc(host: str, port: int | None) -> str:
    if ":" in host:
        name = f"[{host}]"
    else:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    if quote(name, safe="[]:.-_~%") != name:
        raise ValueError(f"host {name!r}")
    return name if port is None else f"{name}:{port}"


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _bad(text: str, found: object, allowed: str | None = None) -> InputError:
    return InputError(
        text, "is no web address that we fetch", reason="bad_url", found=found, allowed=allowed
    )
