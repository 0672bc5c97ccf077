"""Looks for known vulnerabilities of the locked packages: `python -m tools.audit PIP_AUDIT REQUIREMENTS`.

pip-audit ends with success if its database knows no package at all. Here, packages without data are counted, and an
audit without any data fails.
"""

import json
import subprocess
import sys
from typing import Any

_OPTIONS = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--requirement")


def main() -> int:
    """Run pip-audit, and print what it found. The status is 1 for vulnerabilities, and 2 without data."""
    program, requirements = sys.argv[1:]
    process = subprocess.run(  # noqa: S603  # the Makefile names the program
        [program, *_OPTIONS, requirements], capture_output=True, text=True, check=False
    )
    if not process.stdout:
        *_, reason = process.stderr.splitlines() or ["no output"]
        _print_line(f"Nothing was audited, because the database of vulnerabilities does not answer: {reason}")
        return 2
    return print_findings(json.loads(process.stdout)["dependencies"])


def print_findings(packages: list[dict[str, Any]]) -> int:
    """Print the vulnerabilities and the packages without data, and return the exit status."""
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerabilities = [(package, found) for package in audited for found in package["vulns"]]
    for package, found in vulnerabilities:
        fixes = ", ".join(found["fix_versions"]) or "no release"
        _print_line(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixes}")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        _print_line(f"no data about {len(skipped)} packages: {', '.join(skipped)}")
    if not audited:
        _print_line("Nothing was audited, because the database of vulnerabilities knows none of the packages.")
        return 2
    _print_line(f"{len(audited)} of {len(packages)} packages audited, {len(vulnerabilities)} vulnerabilities")
    return 1 if vulnerabilities else 0


def _print_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
