"""Servers that would be open to other machines: without a token on all addresses, and with a blank token."""

import os
import subprocess
import sys

from tests.attacks.target import AttackResult, Target

TITLE = "Open installations"
POINT = 9

_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  # the servers refuse to start
_COMMANDS = {
    "no token": ({}, _ALL_ADDRESSES),
    "empty token": ({"STACKYARD_TOKEN": ""}, "127.0.0.1"),
    "blank token": ({"STACKYARD_TOKEN": "   "}, _ALL_ADDRESSES),
}


def run_attack(target: Target) -> AttackResult:
    """Start the API as the image does, and check that it refuses."""
    figures = {name: _start_api(target, variables, host) for name, (variables, host) in _COMMANDS.items()}
    return AttackResult(set(figures.values()) == {"refused"}, figures)


def _start_api(target: Target, variables: dict[str, str], host: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "STACKYARD_TOKEN"}
    environment |= {"STACKYARD_DATA_DIR": str(target.data_dir)} | variables
    command = [sys.executable, "-m", "api", "--host", host, "--port", "0"]
    try:
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return "served"
    return "refused" if result.returncode == 1 and "token" in result.stderr.lower() else "failed"
