"""Why a job waits, on both databases."""

from service.jobs import attempts, jobs, wait_reasons
from service.jobs.wait_reasons import WaitCode
from tests.factories import beat, registration, submit


def why(sessions, *found):
    """Why each of the jobs waits, None for those that do not."""
    with sessions.read() as session:
        fresh = [jobs.get(session, job.id) for job in found]
        told = wait_reasons.explain(session, fresh, jobs.queue_positions(session, fresh))
    return [told.get(job.id) for job in found]


def claim(sessions, queue="cpu"):
    with sessions.begin() as session:
        return attempts.claim(session, queue=queue, worker="here:8", lease_s=60)


def test_nobody_serves_its_queue(either_sessions):
    beat(either_sessions, registration("cpu"))
    job = submit(either_sessions, run={"device": "gpu"})
    [told] = why(either_sessions, job)
    assert (told.code, told.message, told.since) == (WaitCode.NO_WORKER, "No live worker serves gpu.", None)


def test_who_served_its_queue_was_lost(either_sessions):
    beat(either_sessions, registration("cpu"), lasts_s=0.0)
    [told] = why(either_sessions, submit(either_sessions))
    assert told.code is WaitCode.NO_WORKER
    assert told.since is not None
    assert f"{told.since:%Y-%m-%dT%H:%M:%S}Z" in told.message


def test_places_are_given_out_in_the_queue_s_order(either_sessions):
    beat(either_sessions, registration("cpu", concurrency=2))
    first, second, third, urgent = (submit(either_sessions, run={"priority": priority}) for priority in (5, 5, 5, 9))
    codes = [told.code for told in why(either_sessions, first, second, third, urgent)]
    assert codes == [WaitCode.STARTING, WaitCode.BEHIND, WaitCode.BEHIND, WaitCode.STARTING]
    assert claim(either_sessions).job_id == urgent.id
    assert claim(either_sessions).job_id == first.id
    running, following, last = why(either_sessions, first, second, third)
    assert running is None
    assert following.code is WaitCode.NEXT
    assert (last.code, last.message) == (WaitCode.BEHIND, "Behind 1 job on cpu.")


def test_a_queue_s_places_are_its_own(either_sessions):
    beat(either_sessions, registration("cpu"))
    beat(either_sessions, registration("gpu"))
    on_cpu, on_gpu = submit(either_sessions, run={"device": "cpu"}), submit(either_sessions, run={"device": "gpu"})
    claim(either_sessions, "cpu")
    waits = submit(either_sessions, run={"device": "cpu"})
    told = why(either_sessions, on_cpu, on_gpu, waits)
    assert [one and one.code for one in told] == [None, WaitCode.STARTING, WaitCode.NEXT]


def test_a_paused_job_waits_for_somebody_to_resume_it(either_sessions):
    beat(either_sessions, registration("cpu"))
    paused, other = submit(either_sessions), submit(either_sessions)
    with either_sessions.begin() as session:
        jobs.pause(session, paused.id)
    told = why(either_sessions, paused, other)
    assert [one.code for one in told] == [WaitCode.PAUSED, WaitCode.STARTING]
