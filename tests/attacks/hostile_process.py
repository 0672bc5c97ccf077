"""Code in a process that reads untrusted input tries to leave it: over files, the network and other processes."""

import json
import subprocess
import sys

from service.subprocess.confinement import list_unconfined_actions
from service.subprocess.environment import build_environment_without_secrets
from tests.attacks.target import AttackResult, Target

TITLE = "Code in a process that reads untrusted input"
POINT = 14

_SCRIPT = """
import json, os, socket, subprocess, sys
from pathlib import Path
from service.subprocess.confinement import confine_process

data_dir, api = Path(sys.argv[1]), int(sys.argv[2])
actions = {
    "write": lambda: (data_dir / "written").touch(),
    "remove": lambda: (data_dir / "serve.json").unlink(),
    "network": lambda: socket.socket(),
    "broker": lambda: socket.socket(socket.AF_UNIX),
    "memory": lambda: Path(f"/proc/{api}/mem").open("rb"),
    "signal": lambda: os.kill(api, 0),
    "program": lambda: subprocess.run(["/bin/true"]),
}
confine_process()
succeeded = []
for name, action in actions.items():
    try:
        action()
        succeeded.append(name)
    except PermissionError:
        pass
print(json.dumps({"actions": len(actions), "succeeded": succeeded}))
"""


def run_attack(target: Target) -> AttackResult:
    """Run the code against the server's directory and its API, and expect that every action is refused."""
    command = [sys.executable, "-c", _SCRIPT, str(target.data_dir), str(target.find_api().pid)]
    environment = build_environment_without_secrets() | {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    process = subprocess.run(command, env=environment, capture_output=True, check=True)
    report = json.loads(process.stdout)
    figures = {
        "actions": str(report["actions"]),
        "succeeded": ", ".join(report["succeeded"]) or "none",
        "the kernel cannot refuse": ", ".join(list_unconfined_actions()) or "none",
    }
    return AttackResult(held=not report["succeeded"], figures=figures)
