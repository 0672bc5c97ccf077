"""A process that is killed while it saves a model: where its temporary files stay."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from service.storage.artifact_store import ArtifactStore
from tests.attacks.target import AttackResult, Target

TITLE = "Temporary files of killed workers"
POINT = 16

_SCRIPT = """
import os, signal, sys
from pathlib import Path
from service.storage.artifact_store import ArtifactStore
with ArtifactStore(Path(sys.argv[1])).create_scratch_directory() as directory:
    (directory / "model.keras").write_bytes(bytes(10**6))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run_attack(_target: Target) -> AttackResult:
    """Kill a process while it saves, and sweep."""
    with TemporaryDirectory() as directory:
        data_dir, system = Path(directory, "data"), Path(directory, "system")
        system.mkdir()
        environment = {"TMPDIR": str(system), "PYTHONPATH": ":".join(path for path in sys.path if path)}
        subprocess.run([sys.executable, "-c", _SCRIPT, str(data_dir)], env=environment, check=False)
        outside = len(list(system.iterdir()))
        left = len(list((data_dir / "incoming").iterdir()))
        swept = ArtifactStore(data_dir).clear_incoming(before=time.time() + 1)
    figures = {"in the system's directory": str(outside), "in the data directory": str(left), "swept": str(swept)}
    return AttackResult((outside, left, swept) == (0, 1, 1), figures)
