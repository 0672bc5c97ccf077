"""Limits on waiting jobs and on storage, counted from rows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from models import Artifact, Job, JobState, Sweep, User
from service.db.database import get_current_time
from service.errors import StorageLimitReached, TooManyRequests
from service.jobs import attempts
from service.team import limits
from service.team.limits import count_stored_bytes
from tests.factories import submit_job
from tests.service.sweeps.sweep_lab import SweepLab
from tests.service.team.team_factories import add_user, claim_job, list_jobs, own_sessions, submit_jobs


def test_a_submit_beyond_the_limit_is_refused_until_a_job_starts(either_sessions):
    user = add_user(either_sessions, "user", max_queued=2)
    submit_jobs(either_sessions, user, 1)
    submit_jobs(either_sessions, user, 1)
    with pytest.raises(TooManyRequests) as refusal:
        submit_job(own_sessions(either_sessions, user))
    assert refusal.value.code == "too_many_queued"
    assert "You may have 2 waiting jobs (max_queued), and have 2; this request would add 1." in str(refusal.value)
    submit_job(either_sessions)  # others are not affected
    assert claim_job(either_sessions) is not None
    assert claim_job(either_sessions) is not None
    submit_job(own_sessions(either_sessions, user))


def test_concurrent_submits_do_not_exceed_the_limit(either_sessions):
    user = add_user(either_sessions, "user", max_queued=3)
    submit_jobs(either_sessions, user, 1)

    def try_submit(_index):
        try:
            return submit_job(own_sessions(either_sessions, user)).id
        except TooManyRequests:
            return None

    with ThreadPoolExecutor(6) as pool:
        ids = [job_id for job_id in pool.map(try_submit, range(6)) if job_id is not None]
    assert len(ids) == 2


def test_a_sweep_queues_its_jobs_as_far_as_its_owner_may_and_goes_on(either_sessions):
    user = add_user(either_sessions, "user", max_queued=2)
    lab = SweepLab(own_sessions(either_sessions, user), budget={"trials": 5})
    assert len(list_jobs(either_sessions, JobState.QUEUED)) == 2
    trained = 0
    while claim := claim_job(either_sessions):
        with either_sessions.begin() as session:
            attempts.record_epochs(
                session,
                claim,
                ["val_loss"],
                [attempts.EpochMetrics(0, [1.0])],
                {"val_loss": attempts.MetricSummary(1.0, 1.0, 0)},
            )
            attempts.conclude_attempt(session, claim, attempts.Conclusion(JobState.SUCCEEDED))
        trained += 1
        lab.advance()
        assert len(list_jobs(either_sessions, JobState.QUEUED)) <= 2
    assert trained == 5
    with either_sessions.read() as session:
        sweep = session.get_one(Sweep, lab.id)
        assert (sweep.state.value, sweep.trial_count, sweep.has_more_work) == ("succeeded", 5, False)
        assert set(session.scalars(select(Job.owner_id))) == {user}


def test_a_sweep_waits_for_places_without_failing(sessions):
    user = add_user(sessions, "user", max_queued=1)
    submit_jobs(sessions, user, 1)
    lab = SweepLab(own_sessions(sessions, user), budget={"trials": 2})
    advance = lab.advance()
    assert (advance.has_more, advance.waits_for_places, advance.has_ended) == (False, True, False)
    assert lab.sweep.has_more_work, "reconcilers go on with it"
    assert claim_job(sessions) is not None
    assert lab.advance().queues.total() == 1


def test_trials_and_reruns_with_more_jobs_than_may_wait_start_one_by_one(sessions):
    user = add_user(sessions, "user", max_queued=2)
    lab = SweepLab(own_sessions(sessions, user), budget={"trials": 2}, repeats={"count": 3, "of_top": 2})
    trained = 0
    while claim := claim_job(sessions):
        with sessions.begin() as session:
            attempts.record_epochs(
                session,
                claim,
                ["val_loss"],
                [attempts.EpochMetrics(0, [1.0])],
                {"val_loss": attempts.MetricSummary(1.0, 1.0, 0)},
            )
            attempts.conclude_attempt(session, claim, attempts.Conclusion(JobState.SUCCEEDED))
        trained += 1
        lab.advance()
        assert len(list_jobs(sessions, JobState.QUEUED)) <= 3
    assert trained == 2 + 2 * 3
    assert lab.sweep.state.value == "succeeded"


def test_storage_counts_datasets_and_artifacts_of_all_jobs(either_sessions):
    user = add_user(either_sessions, "user", max_bytes=1_000)
    [job_id] = submit_jobs(either_sessions, user, 1)
    with either_sessions.begin() as session:
        now = get_current_time(session)
        session.add(
            Artifact(job_id=job_id, kind="model", sha256="a" * 64, bytes=600, media_type="x/y", created_at=now)
        )
        limits.check_storage_limit(session, user, 400)
        with pytest.raises(StorageLimitReached, match=r"store 600; this file has 401\."):
            limits.check_storage_limit(session, user, 401)
        limits.check_storage_limit(session, None, 10**12)
    submit_job(own_sessions(either_sessions, user))
    with either_sessions.begin() as session:
        assert count_stored_bytes(session, user) == 600
        session.execute(update(User).values(max_bytes=600))
    with pytest.raises(StorageLimitReached, match=r"\(max_bytes\), and store 600\. Delete"):
        submit_job(own_sessions(either_sessions, user))
