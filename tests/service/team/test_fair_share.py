"""Claims follow fair share, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from models import Job, JobState, User
from service.db.database import get_current_time
from service.jobs import attempts
from tests.factories import submit_job
from tests.service.jobs.test_job_lists import analyze_tables
from tests.service.team.team_factories import (
    add_user,
    claim_job,
    claim_owners,
    get_user,
    list_jobs,
    submit_jobs,
)
from tests.statement_costs import measure_work

MAX_STEPS = 3_000
MAX_ROWS = 100
"""What a claim may touch, whatever the number of waiting jobs."""


def test_the_user_with_the_least_usage_for_their_shares_is_next(either_sessions):
    heavy = add_user(either_sessions, "heavy", shares=2.5)
    light = add_user(either_sessions, "light")
    submit_jobs(either_sessions, heavy, 10)
    submit_jobs(either_sessions, light, 10)
    # Each claim costs 300 s for 2.5 shares or for one.
    owners = claim_owners(either_sessions, 7)
    assert (owners.count(heavy), owners.count(light)) == (5, 2)


def test_a_priority_works_only_within_the_jobs_of_its_owner(either_sessions):
    first, second = add_user(either_sessions, "first"), add_user(either_sessions, "second")
    submit_jobs(either_sessions, first, 2, run={"priority": 9})
    low, high = (submit_jobs(either_sessions, second, 1, run={"priority": priority})[0] for priority in (5, 6))
    claims = [claim_job(either_sessions) for _ in range(4)]
    assert [claim.job_id for claim in claims if claim.job_id in {low, high}] == [high, low]
    assert {claims[0].job_id, claims[1].job_id} & {low, high} == {high}


def test_jobs_without_an_owner_come_first_in_the_order_of_a_server_without_users(either_sessions):
    user = add_user(either_sessions, "user")
    [owned] = submit_jobs(either_sessions, user, 1, run={"priority": 9})
    low, high = submit_job(either_sessions), submit_job(either_sessions, run={"priority": 6})
    assert [claim_job(either_sessions).job_id for _ in range(3)] == [high.id, low.id, owned]
    assert claim_job(either_sessions) is None


def test_a_user_runs_no_more_jobs_than_allowed_and_the_others_take_their_turns(either_sessions):
    limited = add_user(either_sessions, "limited", max_running=1)
    other = add_user(either_sessions, "other", decayed_usage=1e9)
    submit_jobs(either_sessions, limited, 3)
    submit_jobs(either_sessions, other, 2)
    assert claim_owners(either_sessions, 4) == [limited, other, other, None]
    [running] = [job for job in list_jobs(either_sessions, JobState.RUNNING) if job.owner_id == limited]
    with either_sessions.begin() as session:
        attempts.release_attempt(
            session,
            attempts.Claim(running.id, running.attempt, None, None),
            attempts.ReleasedAttempt({"code": "handed_back", "message": "Handed back."}),
        )
    assert claim_owners(either_sessions, 2) == [limited, None]


def test_workers_that_become_free_together_share_their_slots_fairly(either_sessions):
    limits = {"a": None, "b": None, "c": 1}
    users = [add_user(either_sessions, name, max_running=limit) for name, limit in limits.items()]
    for user in users:
        submit_jobs(either_sessions, user, 9)
    barrier = threading.Barrier(6)

    def claim_together(_index):
        barrier.wait()
        return claim_job(either_sessions).job_id

    with ThreadPoolExecutor(6) as pool:
        claimed = list(pool.map(claim_together, range(6)))
    assert len(set(claimed)) == 6
    running = [job.owner_id for job in list_jobs(either_sessions, JobState.RUNNING)]
    counts = [running.count(user) for user in users]
    assert counts[2] == 1
    assert sorted(counts[:2]) == [2, 3]


def test_an_estimate_from_past_runs_is_charged_and_the_end_corrects_it(either_sessions):
    user = add_user(either_sessions, "user")
    submit_jobs(either_sessions, user, 2)
    first = claim_job(either_sessions)
    assert get_user(either_sessions, user).decayed_usage == pytest.approx(300.0)
    with either_sessions.begin() as session:
        attempts.conclude_attempt(session, first, attempts.Conclusion(JobState.SUCCEEDED))
    assert get_user(either_sessions, user).decayed_usage < 60.0
    with either_sessions.begin() as session:
        now = get_current_time(session)
        values = {"started_at": now - timedelta(seconds=5_000), "finished_at": now}
        session.execute(update(Job).where(Job.id == first.job_id).values(values))
    second = claim_job(either_sessions)
    assert get_user(either_sessions, user).decayed_usage == pytest.approx(5_000.0, rel=0.02)
    with either_sessions.read() as session:
        assert session.get_one(Job, second.job_id).charged_s == pytest.approx(5_000.0)


def test_usage_halves_with_each_half_life(either_sessions):
    old, recent = add_user(either_sessions, "old"), add_user(either_sessions, "recent")
    with either_sessions.begin() as session:
        now = get_current_time(session)
        for user, days, usage in ((old, 3, 7_900.0), (recent, 0, 1_000.0)):
            values = {"decayed_usage": usage, "usage_at": now - timedelta(days=days)}
            session.execute(update(User).where(User.id == user).values(values))
    submit_jobs(either_sessions, recent, 1)
    submit_jobs(either_sessions, old, 1)
    assert claim_owners(either_sessions, 2) == [old, recent]


def test_a_claim_costs_the_same_whatever_the_number_of_waiting_jobs(either_sessions):
    users = [None, *(add_user(either_sessions, f"user-{index}") for index in range(5))]
    for user in users:
        submit_jobs(either_sessions, user, 300)
    analyze_tables(either_sessions)
    bound = MAX_STEPS if either_sessions.engine.dialect.name == "sqlite" else MAX_ROWS
    claimed = []

    def claim(session):
        claimed.append(attempts.claim_job(session, queue="cpu", worker="here:8", lease_s=60).job_id)

    assert measure_work(either_sessions, claim) < bound
    with either_sessions.begin() as session:
        session.execute(update(Job).where(Job.owner_id.is_(None)).values(state=JobState.PAUSED))
    assert measure_work(either_sessions, claim) < bound
    with either_sessions.read() as session:
        owners = [session.get_one(Job, job_id).owner_id for job_id in claimed]
    assert owners[0] is None
    assert owners[1] in users[1:]
