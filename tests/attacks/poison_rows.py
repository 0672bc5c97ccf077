"""An upload whose header has a field beyond the limit of Python's `csv` module."""

from tests.attacks.target import AttackResult, Target

TITLE = "Poison rows"
POINT = 10


def run_attack(target: Target) -> AttackResult:
    """Upload the file, and expect a refusal with the line."""
    headers = {"Content-Type": "text/csv"} | ({"Authorization": f"Bearer {target.token}"} if target.token else {})
    content = b"a" * 131_073 + b"\n1\n"
    response = target.client.post(
        f"{target.url}/v1/datasets", params={"name": "poison"}, content=content, headers=headers
    )
    held = response.status_code == 422 and "line 1" in response.text
    return AttackResult(held=held, figures={"status": str(response.status_code)})
