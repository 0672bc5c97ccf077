"""The disk is full for a while, repeatedly, on a small file system in memory, which only root can mount."""

import contextlib
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.report import Result
from tests.chaos.round import Say, start_round

_SIZE = 512 * 2**20
_CHUNK = 2**20
STORAGE = frozenset({"failed storage"})
"""The allowed end of a job whose files cannot be written."""


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Fill the disk `trials` times, for longer or shorter than a lease."""
    start = time.monotonic()
    counts: Counter[str] = Counter()
    with start_round(database, seed=seed, say=say, mount=_mounting_small_disk, **options) as round_:
        round_.excused = STORAGE
        ballast = round_.installation.directory / "ballast"
        round_.load.start(jobs or None)
        for number in range(trials):
            time.sleep(round_.random.uniform(0.5, 3.0))
            seconds = round_.random.choice([0.3, 1.0, 3.0, 8.0])
            _fill_disk(ballast)
            time.sleep(seconds)
            ballast.unlink()
            counts[f"full for {seconds:g} s"] += 1
            say(f"disk {number + 1} of {trials}: full for {seconds:g} s; {len(round_.load.accepted)} jobs accepted")
        verdict = round_.finish()
        return Result.from_round(round_, "disk", start, counts, verdict, {})


def _fill_disk(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(_CHUNK))
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0")


@contextlib.contextmanager
def _mounting_small_disk(directory: Path) -> Iterator[None]:
    """Mount a small file system on a directory.

    Raises:
        subprocess.CalledProcessError: this user may not mount.

    """
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", directory], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)  # noqa: S607
