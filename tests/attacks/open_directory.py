"""Files of a running server that other users of the machine can read."""

from tests.attacks.target import AttackResult, Target

TITLE = "A data directory that others can read"
POINT = 17

_OTHERS_ACCESS = 0o077


def run_attack(target: Target) -> AttackResult:
    """Look for files that other users can reach."""
    mode = target.data_dir.stat().st_mode & 0o777
    files = [path for path in target.data_dir.rglob("*") if path.is_file() and not path.is_symlink()]
    exposed = [path for path in files if path.stat().st_mode & _OTHERS_ACCESS]
    figures = {"mode of the directory": f"{mode:o}", "files with access for others": f"{len(exposed)} of {len(files)}"}
    return AttackResult(not mode & _OTHERS_ACCESS, figures)
