"""Addresses that only this machine can reach."""

import contextlib
import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on this host; names are looked up."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    with contextlib.suppress(OSError):
        entries = socket.getaddrinfo(host, None)
        return all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in entries)
    return False


def is_loopback_name(host: str) -> bool:
    """Return whether a host is a loopback address or `localhost`. No name is looked up, so DNS cannot change it."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
