"""The outcome of a trial."""

from dataclasses import dataclass, field
from typing import Any

from tests.servers.local_server import Server

_RULE_OF_THREE = 3
"""Without a failure in N trials, the failure rate is at most 3/N with 95 % confidence."""


@dataclass
class Outcome:
    """Counts of trials and jobs, faults in words, and further figures."""

    trials: int = 0
    jobs: int = 0
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def check_job(self, api: Server, job_id: str, epochs: int, within: float = 120) -> dict[str, Any]:
        """Wait for a job's end, and record a fault unless it succeeded with each epoch once."""
        job = api.until_ended(job_id, within=within)
        self.jobs += 1
        if job["state"] != "succeeded":
            self.wrong.append(f"{job_id} is {job['state']}: {job['reason']}")
        elif api.get_history(job_id)["epochs"] != list(range(epochs)):
            self.wrong.append(f"{job_id} has other epochs than 0 to {epochs - 1}")
        return job

    def __str__(self) -> str:
        bound = f"at most {min(1, _RULE_OF_THREE / self.trials):.1%} of faults" if self.trials else "nothing"
        lines = [f"{self.trials} faults, {self.jobs} jobs, {len(self.wrong)} wrong (none bounds: {bound}, at 95 %)"]
        lines += [f"{name}: {value}" for name, value in self.figures.items()]
        return "\n".join([*lines, *self.wrong])


def compute_percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
