"""Which attempts have all of a worker's cores, and that each number of threads has its own bits."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tensorflow.python.eager import context

from models import Dataset, Job
from service.jobs import attempts
from service.jobs.attempts import MadeCheckpoint
from service.jobs.execution_environment import RanOn
from tests import runs
from tests.factories import beat, registration, submit
from worker.runtime.threads import Threads

ROOT = Path(__file__).parents[3]
SHARED = RanOn("cpu", 1, "float32", {"keras": "3"})
LARGE = {"network": {"layers": [{"type": "Dense", "units": 2048}] * 2 + [{"type": "Dense", "units": 3}]}}

TRAINS = """
import dataclasses, json
from service.settings import Settings
from worker import devices
devices.configure(Settings(threads={first}))
from tests.worker.engine.parts import spec
from tests.worker.stock import Told, prepared
from worker.engine import Engine
from worker.runtime.threads import Threads
import numpy as np

draw = np.random.default_rng(0)
x, y = draw.normal(size=(512, 300)).astype("float32"), draw.normal(size=512).astype("float32")
layers = [{{"type": "Dense", "units": 300, "activation": "relu"}}, {{"type": "BatchNormalization"}}]
layers += [{{"type": "Dropout", "rate": 0.3}}, {{"type": "Dense", "units": 1}}]
job = spec(layers, batch_size=256, optimizer="adam")
engine, shared, told = Engine(2**30), devices.describe(), []
threads = Threads(shared, 2)
for count, reading in {runs}:
    watch = Told()
    with threads.of(dataclasses.replace(shared, threads=count), reading=reading):
        outcome = engine.train(job, prepared((x, y), (x[:64], y[:64])), watch)
        weights = [float(np.abs(weight).sum()) for weight in outcome.network.get_weights()]
    told.append([watch.columns(), weights])
print(json.dumps(told))
"""


def chosen(sessions, worker_id=None):
    """The threads of the job that a worker's child claims, with a share of one and two alone."""
    with sessions.begin() as session:
        claimed = attempts.claim(
            session, queue="cpu", worker="here:8", lease_s=60, worker_id=worker_id, options=Threads(SHARED, 2).options
        )
    assert asdict(claimed.ran_on) == ran_on(sessions, claimed.job_id)
    return claimed.ran_on.threads, claimed


def ran_on(sessions, job_id):
    with sessions.read() as session:
        return session.get_one(Job, job_id).ran_on


def test_a_large_job_alone_has_all_threads(sessions):
    submit(sessions, **LARGE)
    assert chosen(sessions)[0] == 2


def test_a_small_job_has_its_share(sessions):
    submit(sessions)
    assert chosen(sessions)[0] == 1


def test_a_claim_checks_no_spec(sessions):
    """The numbers on the row decide, also where a check of the spec would fail by now."""
    job = submit(sessions, **LARGE)
    with sessions.begin() as session:
        dataset = session.get_one(Dataset, job.dataset_id)
        dataset.description = dataset.description | {"columns": []}
    assert chosen(sessions)[0] == 2


@pytest.mark.parametrize(("step_flops", "threads"), [(None, 1), (499_999_999, 1), (500_000_000, 2)])
def test_the_operations_on_the_row_tell_whether_a_job_is_large(sessions, step_flops, threads):
    """A job of an earlier release has none, and is not large."""
    job = submit(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).step_flops = step_flops
    assert chosen(sessions)[0] == threads


def test_a_large_job_in_small_batches_has_its_share(sessions):
    submit(sessions, **LARGE, training={"batch_size": 2})
    assert chosen(sessions)[0] == 1


def test_a_large_job_beside_one_that_waits_has_its_share(sessions):
    submit(sessions, **LARGE)
    submit(sessions)
    assert chosen(sessions)[0] == 1


def test_a_large_job_beside_one_that_runs_has_its_share_and_beside_another_worker_s_all(sessions):
    ours, other = (beat(sessions, registration(pid=pid)).id for pid in (7, 8))
    submit(sessions)
    chosen(sessions, other)
    submit(sessions, **LARGE)
    assert chosen(sessions, ours)[0] == 2
    submit(sessions, **LARGE)
    assert chosen(sessions, ours)[0] == 1


def test_a_worker_without_more_threads_gives_its_share(sessions):
    submit(sessions, **LARGE)
    with sessions.begin() as session:
        claimed = attempts.claim(session, queue="cpu", worker="here:8", lease_s=60, options=Threads(SHARED).options)
    assert claimed.ran_on == SHARED


@pytest.mark.parametrize(("company_at_first", "threads"), [(False, 2), (True, 1)])
def test_what_goes_on_from_a_checkpoint_keeps_its_number(sessions, store, company_at_first, threads):
    submit(sessions, **LARGE, run={"priority": 9})
    company = submit(sessions).id if company_at_first else None
    first, claimed = chosen(sessions)
    with store.receive() as incoming:
        incoming.write(b"where it was")
        stored = store.keep(incoming)
    with sessions.begin() as session:
        attempts.keep_checkpoint(session, claimed, MadeCheckpoint(stored, 0, 1, 1.0))
    runs.lose(sessions, claimed)
    if company is None:
        submit(sessions)
    else:
        with sessions.begin() as session:
            session.delete(session.get_one(Job, company))
    again, claimed = chosen(sessions)
    assert claimed.checkpoint is not None
    assert first == again == threads


def test_each_number_of_threads_has_the_bits_of_a_process_of_its_own():
    """Of jobs in turn in one process, the second of each number on graphs that were kept."""
    one, two, one_again, two_again = trained(1, [(1, False), (2, False)] * 2)
    assert one_again == one
    assert two_again == two == trained(2, [(2, False)])[0]


def test_threads_beside_one_that_reads_have_the_same_bits():
    """They are others of the same number, for which graphs are kept apart."""
    alone, beside, alone_again, beside_again = trained(1, [(1, False), (1, True)] * 2)
    assert alone == beside == alone_again == beside_again


@pytest.mark.parametrize(("device", "others"), [("cpu", True), ("NVIDIA A100", False)])
def test_only_on_a_cpu_has_a_job_that_reads_rows_threads_of_its_own(device, others):
    threads, before = Threads(replace(SHARED, device=device)), context.context()
    with threads.of(None, reading=True):
        assert (context.context() is not before) == others
    assert context.context() is before


def trained(first, runs):
    """What trainings told that a child of `first` threads did, one after the other.

    Each has a number of threads, and rows may be read from files beside it.
    """
    program = TRAINS.format(first=first, runs=runs)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


KEEPS = """
import resource
from worker import memory

def new_pages(times=50):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        [bytearray(100_000) for _ in range(100)]
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times

print(new_pages())
with memory.kept():
    new_pages(1)
    print(new_pages())
print(new_pages(1))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what keeps memory is glibc")
def test_what_is_freed_is_kept_while_a_large_job_trains_and_then_given_back():
    """A page has 4,096 bytes, most often: 10 MB are 2,400 of them."""
    told = subprocess.run([sys.executable, "-c", KEEPS], cwd=ROOT, capture_output=True, text=True, check=True)
    before, meanwhile, after = map(float, told.stdout.split())
    assert meanwhile < 100 < min(before, after)
