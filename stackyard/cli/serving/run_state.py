"""What a running `serve` writes down: for programs that look for its URL, and for the run after a kill."""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stackyard.cli.serving.child_processes import Identity, end_all, marked


@dataclass
class Record:
    """`serve.json`: there while a server runs, and left behind only by one that was killed."""

    run: str
    pid: int
    url: str
    started: str
    data_dir: str
    database: str
    logs: str
    ready: bool = False
    processes: list[Identity] = field(default_factory=list[Identity])

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        draft = path.with_suffix(".json.new")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)


def end_leftovers(path: Path) -> int:
    """End the processes that a killed run left behind, and forget that run; say how many there were.

    Only call it with the directory's lock held: then whoever wrote the record is dead.
    """
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(path.read_text())
        recorded = (Identity(**entry).find() for entry in document["processes"])
        number = end_all([*(process for process in recorded if process), *marked(document["run"])])
        path.unlink()
        return number
    path.unlink(missing_ok=True)
    return 0
