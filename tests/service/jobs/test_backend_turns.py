"""When a process of one backend takes jobs, leaves the next one to others, or makes way, on both databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from models import Backend, Job
from service.db.ids import new_id
from service.jobs import attempts
from service.jobs.queue_order.backend_turns import (
    BackendTurns,
    OtherJob,
    Turn,
    choose_first_backend,
    choose_turn,
    list_waiting_backends,
)
from service.queue import child_registry, worker_registry
from service.queue.child_registry import ChildProcess, FreeChildren
from tests.factories import build_registration, record_heartbeat, submit_job

BATCH_S = 20.0
JAX, TENSORFLOW = Backend.JAX, Backend.TENSORFLOW


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def read(self) -> float:
        return self.time


@pytest.fixture
def worker(either_sessions):
    return record_heartbeat(either_sessions, build_registration())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def start_child(either_sessions, worker, clock):
    """Record a process that is ready, and return its turns."""

    def start_child(pid, backend, *, ready=True):
        child = ChildProcess(worker.id, f"here:{pid}")
        with either_sessions.begin() as session:
            child_registry.record_child(session, child, backend, ready=ready)
        return BackendTurns(child, backend, BATCH_S, clock.read)

    return start_child


@pytest.fixture
def submit(either_sessions):
    def submit(backend, priority=5):
        return submit_job(either_sessions, run={"backend": backend.value, "priority": priority})

    return submit


@pytest.fixture
def look(either_sessions):
    """Return the turn of a process, and the job that it claims then."""

    def look(turns):
        with either_sessions.begin() as session:
            outlook = turns.load_outlook(session, "cpu")
            if outlook.turn is Turn.SWITCH:
                turns.record_replacement(session)
                return outlook.turn, None
            claim = attempts.claim_job(
                session,
                queue="cpu",
                worker=turns.child.process,
                worker_id=turns.child.worker_id,
                lease_s=60,
                backend=turns.backend,
            )
        return outlook.turn, claim and claim.job_id

    return look


def test_a_process_takes_only_jobs_of_its_backend(start_child, submit, look):
    turns = start_child(1, JAX)
    first, other, second = submit(JAX), submit(TENSORFLOW), submit(JAX)
    assert look(turns) == (Turn.TAKE, first.id)
    assert look(turns) == (Turn.TAKE, second.id)
    assert look(turns) == (Turn.SWITCH, None)
    assert look(start_child(2, TENSORFLOW)) == (Turn.TAKE, other.id)


def test_a_process_makes_way_for_a_job_of_higher_priority(start_child, submit, look):
    turns = start_child(1, JAX)
    submit(JAX)
    submit(TENSORFLOW, priority=9)
    assert look(turns) == (Turn.SWITCH, None)


def test_a_job_is_passed_over_for_a_limited_time(start_child, submit, look, clock):
    turns = start_child(1, JAX)
    submit(TENSORFLOW)
    jobs = [submit(JAX) for _ in range(3)]
    assert look(turns) == (Turn.TAKE, jobs[0].id)
    clock.time += BATCH_S - 1
    assert look(turns) == (Turn.TAKE, jobs[1].id)
    clock.time += 1
    assert look(turns) == (Turn.SWITCH, None)


def test_a_job_is_left_to_a_free_process_of_its_backend(start_child, submit, look):
    turns, other_turns = start_child(1, JAX), start_child(2, TENSORFLOW)
    urgent, own = submit(TENSORFLOW, priority=9), submit(JAX)
    assert look(turns) == (Turn.LEAVE, own.id)
    assert look(other_turns) == (Turn.TAKE, urgent.id)


def test_a_busy_process_is_not_free(start_child, submit, look):
    turns, other_turns = start_child(1, JAX), start_child(2, TENSORFLOW)
    submit(TENSORFLOW)
    assert look(other_turns)[0] is Turn.TAKE
    submit(TENSORFLOW)
    assert look(turns) == (Turn.SWITCH, None)


def test_only_as_many_processes_make_way_as_jobs_wait(start_child, submit, look):
    processes = [start_child(pid, JAX) for pid in range(4)]
    for _ in range(2):
        submit(TENSORFLOW)
    assert [look(turns)[0] for turns in processes] == [Turn.SWITCH, Turn.SWITCH, Turn.LEAVE, Turn.LEAVE]


def test_a_job_that_its_process_does_not_take_is_left_for_a_limited_time(start_child, submit, look, clock):
    turns = start_child(1, JAX)
    start_child(2, TENSORFLOW)
    submit(TENSORFLOW)
    assert look(turns) == (Turn.LEAVE, None)
    clock.time += 2 * BATCH_S
    assert look(turns) == (Turn.SWITCH, None)


def test_processes_of_other_workers_of_the_queue_count_while_they_serve(either_sessions, start_child, submit, look):
    other = record_heartbeat(either_sessions, build_registration(pid=8))
    with either_sessions.begin() as session:
        child_registry.record_child(session, ChildProcess(other.id, "here:9"), TENSORFLOW, ready=True)
    turns = start_child(1, JAX)
    submit(TENSORFLOW)
    assert look(turns)[0] is Turn.LEAVE
    record_heartbeat(either_sessions, other, lasts_s=0.0)
    assert look(turns)[0] is Turn.SWITCH


def test_a_process_of_a_worker_that_drains_is_not_replaced(either_sessions, start_child, submit, look, worker):
    turns = start_child(1, JAX)
    submit(TENSORFLOW)
    with either_sessions.begin() as session:
        worker_registry.set_drain_requested(session, worker.id)
    assert look(turns) == (Turn.TAKE, None)


def test_the_next_owner_decides_about_the_backend(either_sessions, start_child, submit, look):
    turns = start_child(1, JAX)
    frugal, busy = sorted([new_id(), new_id()])
    own, other = submit(JAX), submit(TENSORFLOW)
    with either_sessions.begin() as session:
        session.execute(update(Job).where(Job.id == own.id).values(owner_id=busy))
        session.execute(update(Job).where(Job.id == other.id).values(owner_id=frugal))
    assert look(turns) == (Turn.SWITCH, None)


def test_a_new_process_loads_the_backend_of_the_first_job_that_has_no_process(either_sessions, submit):
    for backend, priority in ((JAX, 5), (JAX, 5), (TENSORFLOW, 9)):
        submit(backend, priority)
    with either_sessions.read() as session:
        assert list_waiting_backends(session, "cpu") == [TENSORFLOW, JAX, JAX]
    waiting = [TENSORFLOW, JAX, JAX]
    free = {JAX: FreeChildren(), TENSORFLOW: FreeChildren(ready=1)}
    assert choose_first_backend(waiting, {}, idle=JAX) is TENSORFLOW
    assert choose_first_backend(waiting, free, idle=TENSORFLOW) is JAX
    assert choose_first_backend(waiting, free | {JAX: FreeChildren(loading=2)}, idle=JAX) is JAX
    assert choose_first_backend([], free, idle=JAX) is JAX


class SimulatedJob:
    """A waiting job, and the time when it became the next one of its queue."""

    def __init__(self, backend, seconds):
        self.backend, self.seconds = backend, seconds
        self.next_since = None


class Simulation:
    """Processes that take jobs from one queue, in simulated seconds. A new process loads its backend first."""

    def __init__(self, jobs, processes, load_s):
        self.waiting = list(jobs)
        self.load_s = load_s
        self.processes = dict.fromkeys(range(processes), (0.0, JAX))
        self.first_seen = {}
        self.longest_wait = 0.0

    def run(self):
        while self.waiting:
            number = min(self.processes, key=lambda number: self.processes[number][0])
            time, backend = self.processes[number]
            next_job = self.waiting[0]
            next_job.next_since = time if next_job.next_since is None else next_job.next_since
            match self.choose_turn(number, next_job):
                case Turn.TAKE:
                    self.take(number, next(job for job in self.waiting if job.backend is backend))
                case Turn.LEAVE:
                    self.processes[number] = (time + 0.5, backend)
                case Turn.SWITCH:
                    self.processes[number] = (time + self.load_s, next_job.backend)
                    self.first_seen = {key: since for key, since in self.first_seen.items() if key[0] != number}

    def choose_turn(self, number, next_job):
        time, backend = self.processes[number]
        if next_job.backend is backend:
            return Turn.TAKE
        loading = sum(free_at > time and other is not backend for free_at, other in self.processes.values())
        situation = OtherJob(
            passed_s=time - self.first_seen.setdefault((number, next_job), time),
            has_equal=any(job.backend is backend for job in self.waiting),
            waiting=sum(job.backend is not backend for job in self.waiting),
            free=loading,
        )
        return choose_turn(situation, BATCH_S)

    def take(self, number, job):
        time, backend = self.processes[number]
        if job.next_since is not None:
            self.longest_wait = max(self.longest_wait, time - job.next_since)
        self.waiting.remove(job)
        self.processes[number] = (time + job.seconds, backend)


@given(
    st.lists(st.tuples(st.sampled_from(Backend), st.floats(0.1, 60)), min_size=1, max_size=60),
    st.integers(1, 4),
    st.floats(0.5, 15),
)
def test_no_order_of_submits_starves_a_job(submits, processes, load_s):
    """A job starts soon after it has become the next one: within the limit of a turn, one job, and two loads."""
    simulation = Simulation([SimulatedJob(*submit) for submit in submits], processes, load_s)
    simulation.run()
    longest_job = max(seconds for _, seconds in submits)
    assert simulation.longest_wait <= 2 * BATCH_S + longest_job + 2 * load_s
