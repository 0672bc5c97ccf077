"""Requests that a browser sends for pages of other sites: DNS rebinding, and posts of forms."""

from tests.attacks.target import AttackResult, Target
from tests.factories import iris_spec

TITLE = "DNS rebinding and cross-site posts"
POINT = 8

_REBOUND = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
_CROSS_SITE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def run_attack(target: Target) -> AttackResult:
    """List, create and cancel jobs as a foreign page, and look for the foreign host in answers."""
    job = target.client.post("/v1/jobs", json=iris_spec()).json()["id"]
    rebound = [
        target.client.get("/v1/jobs", headers=_REBOUND).status_code,
        target.client.post("/v1/jobs", json=iris_spec(), headers=_REBOUND).status_code,
    ]
    posts = [
        target.client.post(path, headers=_CROSS_SITE).status_code
        for path in (f"/v1/jobs/{job}/cancel", f"/v1/jobs/{job}/retry", "/v1/workers/none/drain")
    ]
    answers = [target.client.get(path, headers=_REBOUND) for path in ("/", "/docs", "/v1/jobs/")]
    is_repeated = any("evil.example" in answer.text + str(answer.headers) for answer in answers)
    is_rebound = target.token is None and rebound != [421, 421]
    held = not is_rebound and posts == [403] * len(posts) and not is_repeated
    return AttackResult(held, {"rebound": _join(rebound), "posts": _join(posts), "host repeated": str(is_repeated)})


def _join(statuses: list[int]) -> str:
    return " ".join(map(str, statuses))
