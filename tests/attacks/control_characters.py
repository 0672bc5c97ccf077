"""Names and tags with control characters, which terminals of other users would obey."""

from tests.attacks.target import AttackResult, Target
from tests.factories import iris_spec

TITLE = "Control characters in names and tags"
POINT = 15

_CHARACTERS = ("\x1b", "\x07", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066")


def run_attack(target: Target) -> AttackResult:
    """Submit jobs and upload datasets whose names contain each character."""
    pointers: list[str] = []
    for character in _CHARACTERS:
        name = f"a{character}[2J"
        answers = (
            target.client.post("/v1/jobs", json=iris_spec(name=name)),
            target.client.post("/v1/jobs", json=iris_spec(tags=[name])),
            target.client.post(
                "/v1/datasets", params={"name": name}, content=b"x\n1\n", headers={"Content-Type": "text/csv"}
            ),
        )
        pointers += [answer.json()["errors"][0]["pointer"] for answer in answers if answer.status_code == 422]
    sent = 3 * len(_CHARACTERS)
    held = sorted(pointers) == sorted(["/name", "/tags/0", "/name"] * len(_CHARACTERS))
    return AttackResult(held, {"sent": str(sent), "refused with a pointer": str(len(pointers))})
