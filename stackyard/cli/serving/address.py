"""Where the server listens."""

import contextlib
import ipaddress
import socket
import sys
from dataclasses import dataclass

from stackyard.cli.command_error import CommandError


@dataclass(frozen=True)
class Address:
    """A host as it was given and a port that is known."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What a client on this machine connects to; a wildcard host is reached over loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Reservation:
    """A port held from before the server binds it until the end, restarts of the server included.

    On Linux a bound socket that does not listen, with SO_REUSEADDR, keeps the port from being handed out and
    still lets the server bind it; elsewhere it would not, and the port is only looked at.

    Args:
        host: a name or an address of this machine.
        port: 0 picks a free one.

    Raises:
        CommandError: the host is not known here, or the port is taken.

    """

    def __init__(self, host: str, port: int) -> None:
        try:
            family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            raise CommandError(f"--host {host} is not an address of this machine: {error.strerror}.") from None
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(where)
        except OSError as error:
            self._socket.close()
            raise CommandError(
                f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port; 0 picks a free one."
            ) from None
        self.address = Address(host, self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on this host."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(host, None)
        return all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found)
    return False
