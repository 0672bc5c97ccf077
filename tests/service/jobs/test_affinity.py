"""A worker prefers jobs whose architecture it has compiled, within a priority and for a bounded number of claims."""

import pytest

from service.jobs import attempts
from tests.factories import submit_job
from worker.attempt.architecture_affinity import ArchitectureAffinity

WIDE = {"network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]}}


@pytest.fixture
def claim(either_sessions):
    def claim_job(*architectures):
        with either_sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60, architectures=architectures)
            return claim and claim.job_id

    return claim_job


def test_a_claim_prefers_an_architecture_but_never_over_a_priority(either_sessions, claim):
    first, other, second = (submit_job(either_sessions, **changes) for changes in ({}, WIDE, {}))
    urgent = submit_job(either_sessions, run={"priority": 9})
    assert first.architecture != other.architecture
    assert [claim(other.architecture) for _ in range(4)] == [urgent.id, other.id, first.id, second.id]
    assert claim(other.architecture) is None


def test_after_many_preferred_claims_the_oldest_job_is_due():
    affinity = ArchitectureAffinity()
    preferences = []
    for _ in range(40):
        preferences.append(bool(affinity.list_preferred()))
        affinity.record("architecture")
    assert preferences[0] is False
    longest = max(len(run) for run in "".join("x" if preferred else " " for preferred in preferences).split())
    assert longest < 20
    assert sum(preferences) > 30
