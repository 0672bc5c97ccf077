"""Requests that are refused, each with a path of 60 kB: what they leave in the logs."""

from pathlib import Path

from tests.attacks.target import AttackResult, Target

TITLE = "Refused requests that fill the disk"
POINT = 2

_REQUESTS = 500
_PATH_BYTES = 60_000
_MAX_BYTES_PER_REQUEST = 1000


def run_attack(target: Target) -> AttackResult:
    """Send long paths without a token, and compare the size of the logs before and after."""
    before = _measure_logs(target.data_dir / "logs")
    for _ in range(_REQUESTS):
        target.client.get(f"{target.url}/v1/jobs", params={"name": "x" * _PATH_BYTES}, headers={"Authorization": "x"})
    growth = _measure_logs(target.data_dir / "logs") - before
    figures = {
        "sent": f"{_REQUESTS * _PATH_BYTES / 1e6:.0f} MB",
        "logged": f"{growth / 1e6:.2f} MB",
        "bound": f"{target.settings.max_log_bytes / 1e6:.0f} MB for each process",
    }
    return AttackResult(growth < _REQUESTS * _MAX_BYTES_PER_REQUEST, figures)


def _measure_logs(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*.log*"))
