"""The state of a running `serve`, in a file: for programs that need its URL, and for the cleanup after a kill."""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stackyard.cli.serving.child_processes import ProcessIdentity, list_run_processes, terminate_processes


@dataclass
class RunState:
    """The content of `serve.json`, which exists while a server runs. Only a killed one leaves it behind."""

    run: str
    pid: int
    url: str
    started: str
    data_dir: str
    database: str
    logs: str
    ready: bool = False
    processes: list[ProcessIdentity] = field(default_factory=list[ProcessIdentity])

    def write(self, path: Path) -> None:
        """Write the state to a file, atomically."""
        draft = path.with_suffix(".json.new")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)


def end_leftover_processes(path: Path) -> int:
    """End the processes that a killed run left behind, delete its state, and return their number.

    Call it only while the directory's lock is held: then the process that wrote the state is dead.
    """
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(path.read_text())
        recorded = (ProcessIdentity(**entry).find_process() for entry in document["processes"])
        marked = list_run_processes(document["run"], [entry["pid"] for entry in document["processes"]])
        count = terminate_processes([*(process for process in recorded if process), *marked])
        path.unlink()
        return count
    path.unlink(missing_ok=True)
    return 0
