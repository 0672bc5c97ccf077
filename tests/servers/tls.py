"""A TLS proxy in front of a plain port, like that of a managed broker, with a self-signed certificate."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.valkey import find_free_port

_OPENSSL = shutil.which("openssl")
_CHUNK = 2**16


@dataclass(frozen=True)
class Certificate:
    """The files of a self-signed certificate."""

    certificate: Path
    key: Path


def create_certificate(directory: Path, name: str = "127.0.0.1") -> Certificate:
    """Create a certificate for a name; skip the test if openssl is not installed."""
    if _OPENSSL is None:
        pytest.skip("openssl is not installed")
    files = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    command = [_OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(files.key), "-out", str(files.certificate), "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=IP:{name}" if name[0].isdigit() else f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    return files


class TlsProxy:
    """Accepts TLS connections on a free port, and forwards their content to a plain port."""

    def __init__(self, certificate_files: Certificate, target: tuple[str, int]) -> None:
        self.port = find_free_port()
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate_files.certificate, certificate_files.key)
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._loop.set_exception_handler(lambda _loop, _context: None)  # clients that disconnect at any time
        await asyncio.start_server(self._forward_connection, "127.0.0.1", self.port, ssl=self._context)
        await self._closing.wait()

    async def _forward_connection(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection(*self._target)
        except OSError:  # the target does not listen
            to_client.close()
            return
        with contextlib.suppress(OSError):  # one side disconnected
            await asyncio.gather(_copy_stream(client, to_server), _copy_stream(server, to_client))


async def _copy_stream(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    finally:
        target.close()
