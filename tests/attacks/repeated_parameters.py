"""A filter with hundreds of tags: each one adds a condition to the query."""

from tests.attacks.target import AttackResult, Target

TITLE = "Tags without a cap"
POINT = 12
REPEATS = 900


def run_attack(target: Target) -> AttackResult:
    """List jobs with many tags, and with many states."""
    queries = ("tag=a", "state=queued")
    statuses = [target.client.get("/v1/jobs?" + "&".join([query] * REPEATS)).status_code for query in queries]
    return AttackResult(held=statuses == [422, 422], figures={"repeats": str(REPEATS), "statuses": str(statuses)})
