"""The client against the real API."""

import gzip
import io
import socket
from pathlib import Path

import pytest

from stackyard.client import (
    BadAnswerError,
    Client,
    ConnectionFailedError,
    Problem,
    ProblemDocument,
    ProblemError,
    StackyardError,
    WaitTimeoutError,
)
from stackyard.spec import JobSpec

SPEC = {
    "name": "small",
    "tags": ["nightly"],
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "training": {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "batch_size": 32, "epochs": 2},
}
TABLE = b"a,b\n1,2\n3,4\n5,6\n"


def test_a_file_is_uploaded_listed_and_deleted(stackyard, tmp_path):
    path = tmp_path / "small.csv"
    path.write_bytes(TABLE)

    first = stackyard.upload(path, name="small")
    again = stackyard.upload(io.BytesIO(TABLE), name="small", media_type="text/csv")

    assert (first.name, first.version, first.media_type, first.bytes) == ("small", 1, "text/csv", len(TABLE))
    assert first.description["kind"] == "table"
    assert again.id == first.id
    assert stackyard.dataset(first.id) == first
    assert first.id in {dataset.id for dataset in stackyard.datasets(limit=1)}
    statistics = stackyard.dataset_statistics("small")["columns"]
    assert [(column["name"], column["mean"]) for column in statistics] == [("a", 3.0), ("b", 4.0)]
    assert stackyard.preview_dataset(first.id, rows=2)["rows"] == [[1, 2], [3, 4]]
    stackyard.delete_dataset(first.id)
    with pytest.raises(ProblemError) as caught:
        stackyard.dataset(first.id)
    assert caught.value.status == 404


def test_the_format_of_a_csv_file_is_given_or_inferred_from_its_suffix(stackyard, tmp_path):
    path = tmp_path / "small.tsv.gz"
    path.write_bytes(gzip.compress(b"1\t?\n2\tNone\n"))
    dataset = stackyard.upload(
        path, "formats", header=False, missing_values=["?"], default_missing_values=False, delimiter="tab"
    )
    column = dataset.description["columns"][1]
    assert (column["name"], column["missing"], column["categories"]) == ("column_2", 1, ["None"])
    assert dataset.description["csv"]["delimiter"] == "\t"


def test_a_workbook_is_refused_with_words_before_the_upload(stackyard, tmp_path):
    path = tmp_path / "table.xlsx"
    path.write_bytes(TABLE)
    with pytest.raises(ValueError, match="save the sheet as CSV"):
        stackyard.upload(path, name="small")


def test_an_unknown_suffix_is_refused_before_the_upload(stackyard, tmp_path):
    path = tmp_path / "table.txt"
    path.write_bytes(TABLE)

    with pytest.raises(ValueError, match=r"table\.txt"):
        stackyard.upload(path, name="small")


@pytest.mark.parametrize("spec", [SPEC, JobSpec.model_validate(SPEC)], ids=["document", "model"])
def test_a_job_is_submitted_read_cancelled_and_deleted(stackyard, spec):
    job = stackyard.submit(spec)

    assert job.state == "queued"
    assert not job.finished
    assert job.tags == ["nightly"]
    assert job.progress.epochs == 2
    assert job.transitions[0].target == "queued"
    assert stackyard.job(job.id).id == job.id
    assert stackyard.history(job.id).epochs == []
    cancelled = stackyard.cancel(job.id)
    assert (cancelled.state, cancelled.finished, cancelled.succeeded) == ("cancelled", True, False)
    assert stackyard.wait(job.id).state == "cancelled"
    stackyard.delete(job.id)
    with pytest.raises(ProblemError):
        stackyard.job(job.id)


def test_a_repeated_idempotency_key_returns_the_same_job(stackyard):
    first = stackyard.submit(SPEC, idempotency_key="k")

    assert stackyard.submit(SPEC, idempotency_key="k").id == first.id
    with pytest.raises(ProblemError) as caught:
        stackyard.submit(SPEC | {"name": "other"}, idempotency_key="k")
    assert caught.value.status == 409


def test_jobs_are_listed_in_pages_and_filtered(stackyard):
    ids = [stackyard.submit(SPEC | {"name": f"job {number}"}).id for number in range(5)]
    stackyard.cancel(ids[0])

    assert [job.id for job in stackyard.jobs(limit=2)] == ids[::-1]
    assert [job.id for job in stackyard.jobs(state="cancelled")] == ids[:1]
    assert [job.name for job in stackyard.jobs(name="job 3")] == ["job 3"]
    assert list(stackyard.jobs(tag="other")) == []


def test_an_invalid_spec_is_refused_with_every_fault_and_its_pointer(stackyard):
    invalid = SPEC | {"training": SPEC["training"] | {"epochs": 0, "batch_size": "many"}}

    for call in (stackyard.submit, stackyard.check):
        with pytest.raises(ProblemError) as caught:
            call(invalid)
        assert caught.value.status == 422
        pointers = {fault.pointer for fault in caught.value.problem.errors}
        assert pointers == {"/training/epochs", "/training/batch_size"}
        assert "/training/epochs: " in str(caught.value)


def test_a_check_returns_a_report_and_submits_nothing(stackyard):
    assert stackyard.check(SPEC)
    assert list(stackyard.jobs()) == []


def test_a_wait_ends_at_its_timeout(stackyard):
    job = stackyard.submit(SPEC)
    updates = []

    with pytest.raises(WaitTimeoutError, match="still queued"):
        stackyard.wait(job.id, poll=0.01, timeout=0.1, on_update=updates.append)

    assert [job.state for job in updates] == ["queued"]


def test_a_missing_model_leaves_the_file_unchanged(stackyard, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"precious")

    with pytest.raises(ProblemError) as caught:
        stackyard.download_model(stackyard.submit(SPEC).id, path)

    assert caught.value.status == 409
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.glob(".model*")) == []


def test_a_wrong_token_is_a_problem(url):
    with Client(url, "wrong") as client, pytest.raises(ProblemError) as caught:
        client.job("x")
    assert caught.value.status == 401


def test_the_former_name_of_a_problem_document_can_be_imported():
    assert Problem is ProblemDocument


def test_an_id_cannot_reach_another_route(stackyard):
    with pytest.raises(ProblemError):
        stackyard.job("../datasets")


def test_an_unreachable_server_is_a_failed_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ConnectionFailedError, match=str(port)):
        client.job("x")


def test_a_proxy_in_the_environment_is_not_used_for_this_machine(url, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    with Client(url, "wrong") as client, pytest.raises(ProblemError):
        client.job("x")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["not JSON", "a proxy's error", "not a job"],
)
def test_an_answer_that_is_not_of_stackyard_is_refused(other_server, answer):
    with Client(other_server(answer)) as client, pytest.raises(BadAnswerError):
        client.job("x")


def test_a_damaged_model_is_refused(other_server, tmp_path):
    answer = b'HTTP/1.1 200 OK\r\nETag: "%s"\r\nContent-Length: 2\r\n\r\nhi' % (b"0" * 64)

    with Client(other_server(answer)) as client, pytest.raises(BadAnswerError, match="damaged"):
        client.download_model("x", tmp_path / "model.keras")

    assert list(Path(tmp_path).iterdir()) == []


def test_a_truncated_model_is_refused(other_server, tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhi"

    with Client(other_server(answer)) as client, pytest.raises(StackyardError):
        client.download_model("x", tmp_path / "model.keras")

    assert list(Path(tmp_path).iterdir()) == []
