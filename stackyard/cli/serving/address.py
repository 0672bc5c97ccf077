"""The address that the server listens on."""

import socket
import sys
from dataclasses import dataclass

from stackyard.cli.command_error import CommandError


@dataclass(frozen=True)
class Address:
    """The host as the user gave it, and the port as it was bound."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL for a client on this machine. A wildcard host is reached over loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class PortReservation:
    """A port that stays reserved until `release`, also while the server restarts.

    On Linux, a bound socket with SO_REUSEADDR that does not listen reserves the port: the system does not hand it
    out, and the server can still bind it. On other systems the server could not bind it, so the port is only checked.

    Args:
        host: a name or an address of this machine.
        port: 0 picks a free one.

    Raises:
        CommandError: the host is not an address of this machine, or the port is taken.

    """

    def __init__(self, host: str, port: int) -> None:
        try:
            family, _, _, _, socket_address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            raise CommandError(f"--host {host} is not an address of this machine: {error.strerror}.") from None
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(socket_address)
        except OSError as error:
            self._socket.close()
            raise CommandError(
                f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port; 0 picks a free one."
            ) from None
        self.address = Address(host, self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()

    def release(self) -> None:
        """Release the port."""
        self._socket.close()
