"""Usage: each attempt is charged once and corrected once, whatever happens to it."""

import math
import shutil
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from models import DEFAULT_PROJECT_ID, Job, JobState, UsageRecord, User
from models.team import NO_USER_ID
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory, get_current_time
from service.jobs import attempts, controls, recovery
from service.jobs.crashes import Crash
from service.team.usage.charging import DecayedUsage
from service.team.usage.policy import UsagePolicy
from tests import attempt_factories
from tests.service.team.team_factories import add_user, claim_job, get_user, submit_jobs

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = UsagePolicy(half_life_s=86_400.0, weights={"gpu": 4.0})
FINAL = {"conclude", "cancel", "delete"}


def load_records(sessions):
    with sessions.read() as session:
        columns = (UsageRecord.user_id, UsageRecord.project_id, UsageRecord.device)
        sums = (func.sum(UsageRecord.device_seconds), func.sum(UsageRecord.jobs), func.sum(UsageRecord.epochs))
        return {tuple(row[:3]): tuple(row[3:]) for row in session.execute(select(*columns, *sums).group_by(*columns))}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20),
    st.floats(60, 1e7),
    st.floats(0, 1e8),
)
def test_decayed_usage_equals_the_direct_formula(runs, half_life_s, wait):
    """Each run has a start after the one before, the seconds that it was charged, and those that it used."""
    policy, usage, events = UsagePolicy(half_life_s), DecayedUsage(), []
    for index, (offset, charged, used) in enumerate(runs):
        started = START + timedelta(seconds=offset)
        events += [(started, index, "start", charged, used, started)]
        events += [(started + timedelta(seconds=used), index, "end", charged, used, started)]
    for at, _, kind, charged, used, started in sorted(events, key=lambda event: (*event[:2], event[2] == "end")):
        usage = usage.add(charged, at, policy) if kind == "start" else usage.settle(charged, used, started, at, policy)
    now = usage.valid_at + timedelta(seconds=wait)
    direct = math.fsum(
        used * 2 ** -((now - (START + timedelta(seconds=offset + used))).total_seconds() / half_life_s)
        for offset, _, used in runs
    )
    scale = sum(charged + used for _, charged, used in runs) * 2 ** -(wait / half_life_s)
    assert policy.decay(usage.amount, usage.valid_at, now) == pytest.approx(
        direct, rel=1e-6, abs=1e-6 * scale + 1e-300
    )


def test_usage_neither_overflows_nor_stops_to_count_after_decades():
    usage = DecayedUsage()
    for year in range(100):
        usage = usage.add(1_000.0, START + timedelta(days=365 * year), POLICY)
        assert usage.amount == pytest.approx(1_000.0)
    assert POLICY.decay(usage.amount, usage.valid_at, START + timedelta(days=1e6)) == 0.0


def test_a_clock_that_goes_back_changes_no_usage():
    usage = DecayedUsage().add(1_000.0, START, POLICY).add(0.0, START - timedelta(days=1), POLICY)
    assert (usage.amount, usage.valid_at) == (1_000.0, START)


def end_attempt(sessions, action, claim):
    """End an attempt in one of the ways in which attempts end; `renew` and `repeat` end none."""
    with sessions.begin() as session:
        if action == "conclude":
            attempts.conclude_attempt(session, claim, attempts.Conclusion(JobState.SUCCEEDED))
        elif action == "cancel":
            controls.cancel_job(session, claim.job_id)
            session.flush()
            attempts.release_attempt(session, claim, attempts.ReleasedAttempt({"code": "handed_back", "message": "."}))
        elif action == "release":
            attempts.release_attempt(session, claim, attempts.ReleasedAttempt({"code": "handed_back", "message": "."}))
        elif action == "crash":
            attempts.end_stalled_attempt(session, claim, silent_s=1.0, max_crashes=10**6)
        elif action == "process":
            job = session.get_one(Job, claim.job_id)
            job.worker_id = claim.job_id
            session.flush()
            recovery.end_process_attempt(
                session, worker_id=claim.job_id, worker="here:8", crash=Crash("it died"), max_crashes=10**6
            )
        elif action == "delete":
            controls.delete_job(session, claim.job_id)
        elif action == "lose":
            expired = get_current_time(session) - timedelta(seconds=1)
            session.execute(update(Job).where(Job.id == claim.job_id).values(lease_until=expired))
            assert recovery.end_attempt_if_lost(session, claim.job_id)


def try_stale_writes(sessions, claim):
    """Let the former holder of an attempt try to end it once more."""
    for action in ("conclude", "release", "crash"):
        with pytest.raises(attempts.LeaseLost):
            end_attempt(sessions, action, claim)
    attempt_factories.recover_lost_attempts(sessions)


ENDS = st.sampled_from(["conclude", "cancel", "release", "crash", "process", "delete", "lose"])


@pytest.fixture(scope="module")
def module_sessions(sqlite_template, tmp_path_factory):
    """A database that all examples of a property share."""
    path = tmp_path_factory.mktemp("usage") / "stackyard.db"
    shutil.copy(sqlite_template, path)
    sessions = SessionFactory(f"sqlite:///{path}")
    with sessions.begin() as session:
        ensure_builtins(session)
    yield sessions
    sessions.dispose()


@settings(max_examples=6, deadline=None, database=None)
@given(st.lists(st.tuples(ENDS, st.floats(1, 50_000)), min_size=1, max_size=8), st.integers(1, 3))
def test_no_charge_is_lost_or_counted_twice(module_sessions, sequence, jobs):
    """After any sequence of ends, the usage and the records are the seconds that the attempts ran."""
    sessions = module_sessions
    user = add_user(sessions, f"user-{id(sequence)}-{len(load_records(sessions))}-{jobs}-{hash(str(sequence))}")
    ids = submit_jobs(sessions, user, jobs)
    used = ended = elapsed = 0.0
    for action, seconds in sequence:
        claim = claim_job(sessions, lease_s=10**6)
        if claim is None:
            break
        begun_at = time.monotonic()  # the attempt also lasts for as long as these steps take
        with sessions.begin() as session:
            charged = session.get_one(Job, claim.job_id).charged_s
            started_at = get_current_time(session) - timedelta(seconds=seconds)
            session.execute(update(Job).where(Job.id == claim.job_id).values(started_at=started_at))
            assert session.get_one(User, user).decayed_usage == pytest.approx(used + charged, rel=1e-3)
        end_attempt(sessions, action, claim)
        elapsed += time.monotonic() - begun_at
        used += seconds - (action == "lose")
        with sessions.begin() as session:  # the charge has not decayed since the invented start
            residue = charged * (1 - 2 ** -(seconds / 86_400))
            assert session.get_one(User, user).decayed_usage == pytest.approx(
                used + residue, rel=1e-3, abs=elapsed + 0.01
            )
            session.execute(update(User).where(User.id == user).values(decayed_usage=used))
        ended += action in FINAL
        if action != "delete":
            try_stale_writes(sessions, claim)
    record = load_records(sessions).get((user, DEFAULT_PROJECT_ID, "cpu"))
    assert used - 0.01 <= record[0] <= used + elapsed + 0.01
    assert record[1] == ended
    with sessions.begin() as session:  # the next example must not claim these
        session.execute(update(Job).where(Job.id.in_(ids), Job.state == JobState.QUEUED).values(state=JobState.PAUSED))


def test_each_end_of_an_attempt_adds_to_the_records_of_the_day(either_sessions):
    user = add_user(either_sessions, "user")
    submit_jobs(either_sessions, user, 1)
    claim = claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, claim, range(2))
    with either_sessions.begin() as session:
        attempts.save_checkpoint(session, claim, attempt_factories.build_checkpoint(claim, 2))
    end_attempt(either_sessions, "release", claim)
    claim = claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, claim, range(2, 3))
    end_attempt(either_sessions, "conclude", claim)
    [(key, (seconds, jobs, epochs))] = load_records(either_sessions).items()
    assert key == (user, DEFAULT_PROJECT_ID, "cpu")
    assert (jobs, epochs) == (1, 3)
    assert 0 < seconds < 60


def test_the_usage_of_jobs_without_an_owner_is_recorded_too(either_sessions):
    submit_jobs(either_sessions, None, 2)
    end_attempt(either_sessions, "conclude", claim_job(either_sessions))
    end_attempt(either_sessions, "release", claim_job(either_sessions))
    [(key, (_, jobs, _))] = load_records(either_sessions).items()
    assert key == (NO_USER_ID, DEFAULT_PROJECT_ID, "cpu")
    assert jobs == 1


def test_a_lost_worker_has_used_its_device_only_until_its_lease(either_sessions):
    user = add_user(either_sessions, "user")
    submit_jobs(either_sessions, user, 1)
    claim = claim_job(either_sessions)
    with either_sessions.begin() as session:
        now = get_current_time(session)
        values = {"started_at": now - timedelta(hours=10), "lease_until": now - timedelta(hours=9)}
        session.execute(update(Job).where(Job.id == claim.job_id).values(values))
    assert attempt_factories.recover_lost_attempts(either_sessions) == 1
    assert load_records(either_sessions)[user, DEFAULT_PROJECT_ID, "cpu"][0] == pytest.approx(3_600.0, abs=1.0)
    assert get_user(either_sessions, user).decayed_usage < 3_700.0


def test_a_second_on_a_gpu_counts_more(either_sessions):
    sessions = either_sessions.with_info({"usage_policy": POLICY})
    user = add_user(sessions, "user")
    submit_jobs(sessions, user, 1, run={"device": "gpu"})
    assert claim_job(sessions, "gpu") is not None
    assert get_user(sessions, user).decayed_usage == pytest.approx(1_200.0)
