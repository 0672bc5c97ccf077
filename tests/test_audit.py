"""The audit says when it has no data, instead of success."""

import pytest

from tools import audit

VULNERABLE = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
UNKNOWN = {"name": "c", "version": "1", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "text"),
    [
        ([SOUND], 0, "1 of 1 packages audited, 0 vulnerabilities"),
        ([SOUND, UNKNOWN], 0, "no data about 1 packages: c\n1 of 2 packages audited"),
        ([SOUND, VULNERABLE], 1, "a 1: CVE-1, fixed in 2\n"),
        ([UNKNOWN, UNKNOWN], 2, "Nothing was audited"),
    ],
)
def test_the_status_says_what_was_audited(capsys, packages, status, text):
    assert audit.print_findings(packages) == status
    assert text in capsys.readouterr().out


def test_an_audit_without_a_database_fails(monkeypatch, capsys, tmp_path):
    program = tmp_path / "pip-audit"
    program.write_text("#!/bin/sh\necho 'Traceback' >&2; echo 'ConnectionError: no route to host' >&2; exit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr("sys.argv", ["audit", str(program), "requirements.txt"])
    assert audit.main() == 2
    assert capsys.readouterr().out.endswith("does not answer: ConnectionError: no route to host\n")
