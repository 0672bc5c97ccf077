"""Dates beyond the calendar, and parameters that are repeated hundreds of times."""

from tests.attacks.target import AttackResult, Target

TITLE = "Dates without a zone or out of range"
POINT = 11
REFUSED = (
    "created_before=9999-12-31T23:59:59-01:00",
    "created_after=0001-01-01T00:00:00%2B01:00",
    "created_after=1e30",
    "cursor=AAAA",
)
ACCEPTED = ("created_after=2020-01-01", "created_before=2020-01-01T00:00:00")


def run_attack(target: Target) -> AttackResult:
    """List jobs with each parameter."""
    expected = dict.fromkeys(REFUSED, 422) | dict.fromkeys(ACCEPTED, 200)
    statuses = {query: target.client.get(f"/v1/jobs?{query}").status_code for query in expected}
    wrong = [query for query, status in statuses.items() if status != expected[query]]
    figures = {"queries": str(len(expected)), "wrong answers": ", ".join(wrong) or "none"}
    return AttackResult(held=not wrong, figures=figures)
