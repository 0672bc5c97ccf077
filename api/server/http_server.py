"""Building the HTTP server: every way to start the API leads through here."""

import functools
from typing import Any, cast

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from api.app import create_app
from api.server.bounded_protocol import BoundedProtocol, TimeLimits
from api.server.connection_table import ConnectionTable
from service.settings import Settings
from service.team import recovery
from stackyard.descriptors import raise_descriptor_limit
from stackyard.loopback import is_loopback, is_loopback_name

_OTHER_DESCRIPTORS = 256
"""Descriptors that are left for files, the database and the broker."""
_KEEP_ALIVE_S = 75
"""Longer than clients keep a connection, so that the client closes it first."""
_GRACEFUL_SHUTDOWN_S = 5


class OpenServerError(Exception):
    """The server would accept requests from other machines without a login."""


def build_server(
    settings: Settings, *, host: str = "127.0.0.1", port: int = 8000, log_level: str = "info"
) -> uvicorn.Server:
    """Build a server for the application, with bounds on its connections.

    Raises:
        OpenServerError: other machines can reach the host, and there is neither a token nor a user.

    """
    if settings.token is None and not is_loopback(host) and not _has_users(settings):
        raise OpenServerError(
            f"--host {host} accepts connections from other machines, and without users or a token every one of them "
            "may use the server. Set STACKYARD_TOKEN to a long random string, or listen on 127.0.0.1."
        )
    if settings.token is None and not is_loopback_name(host):  # a name for the loopback address, which clients may use
        settings = settings.model_copy(update={"allowed_hosts": (*settings.allowed_hosts, host)})
    max_connections = min(settings.max_connections, max(raise_descriptor_limit() - _OTHER_DESCRIPTORS, 16))
    protocol = functools.partial(
        BoundedProtocol,
        ConnectionTable(max_connections, settings.max_connections_per_address),
        TimeLimits(settings.header_timeout_s, settings.body_timeout_s),
    )
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=cast("Any", protocol),
        ws="none",
        log_level=log_level,
        access_log=False,  # the application logs each request itself
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACEFUL_SHUTDOWN_S,
    )
    return uvicorn.Server(config)


def _has_users(settings: Settings) -> bool:
    """Return whether the server has users, so that every request needs a login.

    Raises:
        OpenServerError: the database cannot be read.

    """
    try:
        return recovery.has_installed_users(settings)
    except SQLAlchemyError:
        raise OpenServerError(
            "The database cannot be read. Without a token, only its users protect the server from other machines."
        ) from None
