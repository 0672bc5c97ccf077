"""Unknown column names of a wide dataset: the check must not compare every one with every column."""

import json
import time

from tests.attacks.target import AttackResult, Target

TITLE = "Suggestions without a cap"
POINT = 5
COLUMNS = 2000
MAX_SECONDS = 2.0


def run_attack(target: Target) -> AttackResult:
    """Upload a wide table, and check a spec that misspells all of its columns."""
    header = ",".join(f"column_{index:04}" for index in range(COLUMNS))
    row = ",".join("1" * COLUMNS)
    upload = target.client.post(
        "/v1/datasets",
        params={"name": "attack-wide"},
        content=f"{header}\n{row}\n{row}\n".encode(),
        headers={"Content-Type": "text/csv"},
    )
    upload.raise_for_status()
    names = [f"colunm_{index:04}" for index in range(COLUMNS)]
    spec = {
        "data": {
            "dataset": "attack-wide",
            "target": {"column": "column_0000"},
            "features": [{"columns": names}],
        },
        "network": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mse"},
    }
    begin = time.monotonic()
    response = target.client.post(
        "/v1/specs/check", content=json.dumps(spec).encode(), headers={"Content-Type": "application/json"}
    )
    seconds = time.monotonic() - begin
    figures = {"unknown names": f"{COLUMNS:,}", "seconds": f"{seconds:.2f}", "status": str(response.status_code)}
    return AttackResult(held=response.status_code == 422 and seconds < MAX_SECONDS, figures=figures)
