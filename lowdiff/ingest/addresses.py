"""Which addresses a source may ask: its hosts, and never this machine by a trick."""

import asyncio
import ipaddress
import socket

import httpx

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.sources import WebSource


def check_url(text: str, source: WebSource) -> httpx.URL:
    """An address of an allowed host with an allowed scheme.

    Raises:
        InputError: it is not.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise InputError(text, f"is no web address ({error})", reason="bad_url") from error
    if url.scheme not in ("http", "https"):
        raise InputError(
            text, "cannot be fetched", reason="bad_url", found=url.scheme, allowed="http, https"
        )
    if url.host.lower() not in source.hosts:
        raise InputError(
            text,
            "is on a host that the source does not allow",
            reason="host_not_allowed",
            found=url.host,
            allowed=", ".join(sorted(source.hosts)),
            do=f"Add it to allowed_hosts of source {source.name} if it belongs to it.",
        )
    return url


async def check_host(url: httpx.URL, source: WebSource) -> None:
    """Look the host up and refuse addresses of this machine and of private networks.

    Raises:
        InputError: an address is private and the source does not allow that.
        ServiceError: the name cannot be looked up now.
    """
    if source.allow_loopback:
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.host, port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise ServiceError(
            url, f"its host cannot be looked up ({error})", reason="host_unknown"
        ) from error
    for *_rest, address in found:
        check_peer(str(address[0]), item=str(url))


def check_peer(address: str, *, item: str) -> None:
    """Refuse an IP address that is not on the public internet.

    Raises:
        InputError: it is not.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    plain = getattr(ip, "ipv4_mapped", None) or ip
    if not plain.is_global or plain.is_multicast:
        raise InputError(
            item,
            "is on this machine or in a private network",
            reason="private_address",
            found=address,
            allowed="public addresses",
            do="Set allow_loopback = true in a source of your own network.",
        )
