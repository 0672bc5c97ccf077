"""Which attempts get all of a worker's cores, and that results depend on the number of threads only."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tensorflow.python.eager import context

from models import Backend, Dataset, Job
from service.jobs import attempts
from service.jobs.attempts import StoredCheckpoint
from service.jobs.execution_environment import ExecutionEnvironment
from tests import attempt_factories
from tests.factories import build_registration, record_heartbeat, submit_job
from worker.runtime.tensorflow_threads import TensorFlowThreads

ROOT = Path(__file__).parents[3]
SHARED = ExecutionEnvironment("cpu", 1, "float32", {"keras": "3"})
LARGE = {"network": {"layers": [{"type": "Dense", "units": 2048}] * 2 + [{"type": "Dense", "units": 3}]}}

TRAIN = """
import dataclasses, json
from service.settings import Settings
from worker.runtime import devices
settings = Settings(threads={shared_threads}, threads_alone=2, compilation_cache=0)
devices.configure_device(settings)
from tests.worker.engine.sample_jobs import build_spec
from tests.worker.keras_reference import RecordingObserver, build_prepared_data
from worker.engine import Engine
from worker.runtime.thread_selection import create_thread_allocator
import numpy as np

draw = np.random.default_rng(0)
x, y = draw.normal(size=(512, 300)).astype("float32"), draw.normal(size=512).astype("float32")
layers = [{{"type": "Dense", "units": 300, "activation": "relu"}}, {{"type": "BatchNormalization"}}]
layers += [{{"type": "Dropout", "rate": 0.3}}, {{"type": "Dense", "units": 1}}]
job = build_spec(layers, batch_size=256, optimizer="adam")
engine, shared, results = Engine(2**30), devices.describe_execution_environment(), []
allocator = create_thread_allocator(settings)
for count, reads_files in {trainings}:
    observer = RecordingObserver()
    with allocator.allocate_threads(dataclasses.replace(shared, threads=count), reads_files=reads_files):
        outcome = engine.train(job, build_prepared_data((x, y), (x[:64], y[:64])), observer)
        weights = [float(np.abs(weight).sum()) for weight in outcome.network.get_weights()]
    results.append([observer.columns(), weights])
print(json.dumps(results))
"""


def claim_job(sessions, worker_id=None, threads=None):
    """Return the claim of a worker's child that has one thread as its share and two for a large job alone."""
    options = (threads or TensorFlowThreads(SHARED, 2)).execution_options
    with sessions.begin() as session:
        claim = attempts.claim_job(
            session, queue="cpu", worker="here:8", lease_s=60, worker_id=worker_id, options=options
        )
    with sessions.read() as session:
        assert asdict(claim.ran_on) == session.get_one(Job, claim.job_id).ran_on
    return claim


def claim_threads(sessions, worker_id=None):
    return claim_job(sessions, worker_id).ran_on.threads


def test_a_large_job_alone_gets_all_threads(sessions):
    submit_job(sessions, **LARGE)
    assert claim_threads(sessions) == 2


def test_a_small_job_gets_its_share(sessions):
    submit_job(sessions)
    assert claim_threads(sessions) == 1


def test_a_claim_checks_no_spec(sessions):
    """The numbers in the job's row decide, even if a check of the spec would fail by now."""
    job = submit_job(sessions, **LARGE)
    with sessions.begin() as session:
        dataset = session.get_one(Dataset, job.dataset_id)
        dataset.description = dataset.description | {"columns": []}
    assert claim_threads(sessions) == 2


@pytest.mark.parametrize(("step_flops", "threads"), [(None, 1), (499_999_999, 1), (500_000_000, 2)])
def test_the_step_flops_in_the_row_decide_whether_a_job_is_large(sessions, step_flops, threads):
    """A job of an earlier release has none, and is not large."""
    job = submit_job(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).step_flops = step_flops
    assert claim_threads(sessions) == threads


def test_a_large_job_in_small_batches_gets_its_share(sessions):
    submit_job(sessions, **LARGE, training={"batch_size": 2})
    assert claim_threads(sessions) == 1


def test_a_large_job_gets_its_share_while_another_job_waits(sessions):
    submit_job(sessions, **LARGE)
    submit_job(sessions)
    assert claim_threads(sessions) == 1


def test_a_large_job_gets_its_share_while_its_worker_runs_another_and_all_threads_otherwise(sessions):
    own_worker, other_worker = (record_heartbeat(sessions, build_registration(pid=pid)).id for pid in (7, 8))
    submit_job(sessions)
    claim_job(sessions, other_worker)
    submit_job(sessions, **LARGE)
    assert claim_threads(sessions, own_worker) == 2
    submit_job(sessions, **LARGE)
    assert claim_threads(sessions, own_worker) == 1


def test_a_worker_without_more_threads_gives_its_share(sessions):
    submit_job(sessions, **LARGE)
    assert claim_job(sessions, threads=TensorFlowThreads(SHARED)).ran_on == SHARED


@pytest.mark.parametrize(("another_job_waits_first", "threads"), [(False, 2), (True, 1)])
def test_an_attempt_from_a_checkpoint_keeps_its_number_of_threads(sessions, store, another_job_waits_first, threads):
    submit_job(sessions, **LARGE, run={"priority": 9})
    other_job_id = submit_job(sessions).id if another_job_waits_first else None
    first_claim = claim_job(sessions)
    with store.receive_file() as incoming:
        incoming.write(b"where it was")
        stored = store.commit_file(incoming)
    with sessions.begin() as session:
        attempts.save_checkpoint(session, first_claim, StoredCheckpoint(stored, 0, 1, 1.0))
    attempt_factories.lose_attempt(sessions, first_claim)
    if other_job_id is None:
        submit_job(sessions)
    else:
        with sessions.begin() as session:
            session.delete(session.get_one(Job, other_job_id))
    second_claim = claim_job(sessions)
    assert second_claim.checkpoint is not None
    assert first_claim.ran_on.threads == second_claim.ran_on.threads == threads


@pytest.mark.exhaustive
@pytest.mark.parametrize("backend", Backend)
def test_each_number_of_threads_has_the_bits_of_a_separate_process(backend):
    """The second job of each number of threads uses cached programs."""
    one, two, one_again, two_again = train_in_process(backend, 1, [(1, False), (2, False)] * 2)
    assert one_again == one
    assert two_again == two == train_in_process(backend, 2, [(2, False)])[0]
    assert one == train_in_process(backend, 1, [(1, False)])[0]


@pytest.mark.exhaustive
def test_a_concurrent_reader_of_rows_does_not_change_the_bits():
    """These trainings use other threads of the same number, for which graphs are cached separately."""
    trainings = [(1, False), (1, True)] * 2
    alone, with_reader, alone_again, with_reader_again = train_in_process(Backend.TENSORFLOW, 1, trainings)
    assert alone == with_reader == alone_again == with_reader_again


@pytest.mark.parametrize(("device", "has_other_context"), [("cpu", True), ("NVIDIA A100", False)])
def test_only_on_a_cpu_does_a_job_that_reads_rows_get_its_own_threads(device, has_other_context):
    threads, default_context = TensorFlowThreads(replace(SHARED, device=device)), context.context()
    with threads.allocate_threads(None, reads_files=True):
        assert (context.context() is not default_context) == has_other_context
    assert context.context() is default_context


def train_in_process(backend, shared_threads, trainings):
    """Return the metrics and weights of several trainings, one after the other in one process.

    Each training is a number of threads, and whether rows are read from files meanwhile.
    """
    script = TRAIN.format(shared_threads=shared_threads, trainings=trainings)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend.value}
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])
