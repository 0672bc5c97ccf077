"""Servers that would be open to other machines: without a token on all addresses, and with a blank token."""

import os
import subprocess
import sys

import psutil

from tests.attacks.target import AttackResult, Target
from tests.polling import wait_until

TITLE = "Open installations"
POINT = 9

_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  # the servers refuse to start
_COMMANDS = {
    "no token": ({}, _ALL_ADDRESSES),
    "empty token": ({"STACKYARD_TOKEN": ""}, "127.0.0.1"),
    "blank token": ({"STACKYARD_TOKEN": "   "}, _ALL_ADDRESSES),
}

_START_S = 50


def run_attack(target: Target) -> AttackResult:
    """Start the API as the image does, and check that it refuses."""
    figures = {name: _start_api(target, variables, host) for name, (variables, host) in _COMMANDS.items()}
    return AttackResult(set(figures.values()) == {"refused"}, figures)


def _start_api(target: Target, variables: dict[str, str], host: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "STACKYARD_TOKEN"}
    environment |= {"STACKYARD_DATA_DIR": str(target.data_dir)} | variables
    command = [sys.executable, "-m", "api", "--host", host, "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: process.poll() is not None or _is_listening(process.pid), within=_START_S)
            if process.poll() is None:
                return "served"
        finally:
            process.kill()
        assert process.stderr is not None
        message = process.stderr.read().decode().lower()
        return "refused" if process.returncode == 1 and "token" in message else "failed"


def _is_listening(pid: int) -> bool:
    try:
        return any(
            connection.status == psutil.CONN_LISTEN for connection in psutil.Process(pid).net_connections("tcp")
        )
    except psutil.NoSuchProcess:
        return False
