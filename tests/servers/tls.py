"""TLS before a port that speaks none, as a managed broker has it, with a certificate of an authority of our own."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.valkey import free_port

_OPENSSL = shutil.which("openssl")
_CHUNK = 2**16


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate that is its own authority."""

    certificate: Path
    key: Path


def certificate(directory: Path, name: str = "127.0.0.1") -> Certificate:
    """A new certificate for an address of this machine; skips the test where there is no openssl."""
    if _OPENSSL is None:
        pytest.skip("openssl is not installed")
    made = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    command = [_OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(made.key), "-out", str(made.certificate), "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=IP:{name}" if name[0].isdigit() else f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    return made


class TlsDoor:
    """Listens on a port of this machine, and hands on what comes in by TLS."""

    def __init__(self, own: Certificate, target: tuple[str, int]) -> None:
        self.port = free_port()
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.certificate, own.key)
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
        self._loop.set_exception_handler(lambda _loop, _context: None)  # guests who leave in the middle
        await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        await self._closing.wait()

    async def _serve(self, outside: asyncio.StreamReader, to_outside: asyncio.StreamWriter) -> None:
        try:
            inside, to_inside = await asyncio.open_connection(*self._target)
        except OSError:  # nobody is behind the door
            to_outside.close()
            return
        with contextlib.suppress(OSError):  # somebody went away
            await asyncio.gather(_pump(outside, to_inside), _pump(inside, to_outside))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    finally:
        target.close()
