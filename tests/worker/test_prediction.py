"""The process that predicts: what it makes of rows and of outputs, and how it lives and ends."""

import hashlib
import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from uuid import UUID

import numpy as np
import psutil
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service import prediction
from service.db.database import Sessions
from service.errors import Unavailable
from service.prediction import Predictor
from service.prediction.protocol import Kind, Request, StoredFile
from service.storage.artifact_store import ArtifactStore
from stackyard.spec import ColumnDescription, Normalize
from tests.factories import iris_spec
from tests.trainer import Trainer, installed
from tests.waiting import until
from worker.prediction import json_arrays, json_table, network_cache, predict
from worker.prediction.columns import Feature
from worker.prediction.network_cache import Networks
from worker.prediction.predictions import Predictions
from worker.prediction.request_loop import answer
from worker.prediction.row_faults import Refused
from worker.preparation.transforms.array_inputs import FittedArray
from worker.preparation.transforms.features import FittedGroup
from worker.preparation.transforms.targets import FittedTarget

JSON = "application/json"
FLOWER = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}
FLOWERS = json.dumps({"rows": [FLOWER, FLOWER | {"petal length (cm)": 6.0}]}).encode()


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url):
    return installed(tmp_path_factory.mktemp("prediction"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def trained(installation):
    """A job that tells irises apart, as a prediction finds it."""
    with TestClient(create_app(installation)) as client:
        job_id = UUID(Trainer(client, installation).train(iris_spec()))
    sessions = Sessions(installation.database)
    with sessions.read() as session:
        found = prediction.find(session, job_id)
    sessions.dispose()
    with found.opened(ArtifactStore(installation.data_dir)) as trained:
        return trained


@pytest.fixture
def ask(trained):
    """The answer in this process; `changes` are to the request."""

    def ask(rows=FLOWERS, **changes):
        plain = Request(**vars(trained), media_type=JSON, accept=JSON, max_rows=10)
        return answer(plain.model_copy(update=changes), rows, Networks())

    return ask


def test_of_a_keras_file_the_weights_alone_are_read(ask, trained, tmp_path):
    """Its configuration may name any class and function; here it is no configuration at all."""
    changed = tmp_path / "changed"
    with zipfile.ZipFile(trained.model.path) as model, zipfile.ZipFile(changed, "w") as other:
        other.writestr("model.weights.h5", model.read("model.weights.h5"))
        other.writestr("config.json", '{"class_name": "Lambda", "module": "os"')
    digest = hashlib.sha256(changed.read_bytes()).hexdigest()
    assert ask(model=StoredFile(path=str(changed), sha256=digest)) == ask()


@pytest.mark.parametrize("kind", ["model", "preprocessing"])
def test_a_file_that_is_not_what_its_hash_says_is_not_used(ask, trained, kind):
    file = getattr(trained, kind)
    assert ask(**{kind: file.model_copy(update={"sha256": "0" * 64})}).kind is Kind.DAMAGE
    assert ask(**{kind: file.model_copy(update={"path": f"{file.path}?"})}).kind is Kind.DAMAGE


@pytest.mark.parametrize("kind", ["model", "preprocessing"])
def test_a_file_that_does_not_fit_the_spec_is_not_used(ask, kind, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"{}")
    stored = StoredFile(path=str(other), sha256=hashlib.sha256(b"{}").hexdigest())
    assert ask(**{kind: stored}).kind is Kind.DAMAGE


def test_weights_of_another_network_are_not_used(ask, trained):
    spec = json.loads(json.dumps(trained.spec))
    spec["network"]["layers"][1]["units"] = 9
    assert ask(spec=spec).kind is Kind.DAMAGE


def test_networks_are_built_once_and_the_least_used_go(trained, monkeypatch):
    monkeypatch.setattr(network_cache, "_MOST_KEPT", 2)
    kept = Networks()
    requests = [
        Request(**vars(trained) | {"model": StoredFile(path="", sha256=name)}, media_type="", accept="", max_rows=1)
        for name in "abc"
    ]
    first, second = kept.of(requests[0]), kept.of(requests[1])
    assert kept.of(requests[0]) is first
    kept.of(requests[2])
    assert kept.of(requests[0]) is first
    assert kept.of(requests[1]) is not second


def test_more_outputs_than_one_answer_may_have_are_refused(ask, monkeypatch):
    monkeypatch.setattr(predict, "_MOST_OUTPUTS", 5)
    told = ask()
    assert told.kind is Kind.REFUSAL
    [problem] = json.loads(told.content)
    assert "at most 1 rows" in problem["message"]


class TestColumns:
    @pytest.fixture
    def number(self):
        column = ColumnDescription(name="n", type="integer", missing=0, categories=[1, 2, 3])
        return lambda transform, *, filled=False: Feature(column, transform, filled)

    def test_a_whole_number_may_be_written_as_a_float(self, number):
        assert json_table.read([{"n": 2.0}, {"n": 3}], [number("one_hot")]).values == {"n": [2, 3]}

    @pytest.mark.parametrize("value", [2.5, 1e300, True, "2", None, [2], {}])
    def test_another_value_is_refused_where_whole_numbers_are_categories(self, number, value):
        with pytest.raises(Refused) as refused:
            json_table.read([{"n": value}], [number("ordinal")])
        assert [problem.pointer for problem in refused.value.problems] == ["/rows/0/n"]

    def test_what_is_filled_may_be_missing_and_is_not_unknown(self, number):
        features = [number("ordinal", filled=True)]
        table = json_table.read([{"n": None}, {"n": 9}, {"n": 1}], features)
        assert table.values == {"n": [None, 9, 1]}
        [unknown] = table.unknown(features)
        assert (unknown.pointer, unknown.received) == ("/rows/1/n", 9)

    def test_a_fill_takes_the_place_of_null_and_the_unknown_become_what_is_documented(self, number):
        column = number("ordinal").column
        table = json_table.read([{"n": None}, {"n": 9}, {"n": 1}], [number("ordinal", filled=True)])
        for transform, expected in (("ordinal", [[1], [-1], [0]]), ("one_hot", [[0, 1, 0], [0, 0, 0], [1, 0, 0]])):
            group = FittedGroup(columns=(column,), transform=transform, fill={"n": 2}, numbers={})
            assert group.apply(table.frame).tolist() == expected


class TestArrays:
    @pytest.mark.parametrize(
        ("rows", "faults"),
        [
            ([[[1, 2], [3, 4]], 5], {"/rows/1": "expected an array of 2 arrays, received 5"}),
            ([[[1, 2], [3]]], {"/rows/0/1": "expected an array of 2 numbers, received one of 1"}),
            ([[[1, 2], [3, "4"]]], {"/rows/0/1/1": 'expected a number, received "4"'}),
            ([[[1, None], [True, 4]]], {"/rows/0/0/1": "null", "/rows/0/1/0": "true"}),
            ([[[1, 2], [3, [4]]]], {"/rows/0/1/1": "received an array"}),
            ([[[1, 2], [3, 4], [5, {}]]], {"/rows/0": "received one of 3"}),
        ],
    )
    def test_what_is_wrong_is_named_where_it_is(self, rows, faults):
        with pytest.raises(Refused) as refused:
            json_arrays.read(rows, FittedArray(shape=(2, 2), type="uint8", normalize=None))
        found = {problem.pointer: problem.message for problem in refused.value.problems}
        assert found.keys() == faults.keys()
        assert all(part in found[pointer] for pointer, part in faults.items())

    def test_booleans_are_rows_of_booleans(self):
        read = json_arrays.read([[True, 0]], FittedArray(shape=(2,), type="bool", normalize=None))
        assert read.tolist() == [[1.0, 0.0]]

    def test_floats_are_those_of_the_dataset(self):
        read = json_arrays.read([[0.1]], FittedArray(shape=(1,), type="float32", normalize=None))
        assert read.dtype == np.float32

    def test_norms_over_all_rows_of_a_dataset_are_no_other_rows(self, ask, tmp_path):
        inputs = FittedArray(shape=(2,), type="float32", normalize=Normalize(axis=-2))
        target = FittedTarget(columns=("y",), kind="regression")
        fitted = tmp_path / "fitted"
        fitted.write_text(json.dumps({"inputs": inputs.model_dump(), "target": target.model_dump()}))
        stored = StoredFile(path=str(fitted), sha256=hashlib.sha256(fitted.read_bytes()).hexdigest())
        assert ask(b'{"rows": [[1, 2]]}', preprocessing=stored).kind is Kind.INABILITY


class TestAnswers:
    def test_numbers_that_are_not_finite_are_null_and_named(self):
        target = FittedTarget(columns=("a", "b/c"), kind="regression")
        told = json.loads(Predictions(np.array([[1, np.nan], [-np.inf, 2]]), target).json())
        assert told["predictions"] == [{"a": 1, "b/c": None}, {"a": None, "b/c": 2}]
        assert told["nonfinite"] == {"/predictions/0/b~1c": "NaN", "/predictions/1/a": "-Infinity"}

    def test_a_class_is_null_where_its_scores_are_not_finite(self):
        target = FittedTarget(columns=("a",), kind="classification", classes=("x", "y"))
        predicted = Predictions(np.array([[0.2, 0.8], [np.nan, 0.5]]), target)
        told = json.loads(predicted.json())
        assert told["predictions"] == ["y", None]
        assert told["scores"] == [[0.2, 0.8], [None, 0.5]]
        assert told["nonfinite"] == {"/predictions/1": "NaN", "/scores/1/0": "NaN"}
        assert predicted.csv().decode().splitlines() == ["a,score_x,score_y", "y,0.2,0.8", ",nan,0.5"]

    def test_classes_on_both_sides_of_0_have_no_scores(self):
        target = FittedTarget(columns=("a",), kind="classification", classes=(-1, 1), signs=True)
        predicted = Predictions(np.array([[-0.4], [3.0]]), target)
        told = json.loads(predicted.json())
        assert (told["predictions"], told["scores"]) == ([-1, 1], None)
        assert predicted.csv() == b"a\n-1\n1\n"

    def test_outputs_that_mean_neither_are_told_as_they_are(self):
        outputs = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
        predicted = Predictions(outputs, FittedTarget(columns=("a",), kind="other"))
        assert json.loads(predicted.json())["predictions"] == outputs.tolist()
        assert predicted.csv().splitlines()[0] == b"output_0,output_1,output_2,output_3"


class TestProcess:
    @pytest.fixture
    def start(self, installation, trained):
        """Asks a predictor with other settings; with how much patience is the process's to say."""
        with ExitStack() as stack:

            def start(**changes):
                predictor = Predictor(installation.model_copy(update=changes))
                stack.callback(predictor.close)
                return lambda: predictor.predict(trained, FLOWERS, JSON, JSON)

            yield start

    def test_starts_again_after_it_ended_for_want_of_work_or_was_killed(self, start, ask):
        predict = start(prediction_idle_s=1)
        expected = ask().content
        assert predict() == expected
        until(lambda: children() == [])
        assert predict() == expected
        only_child().kill()
        until(lambda: children() == [])
        assert predict() == expected

    @pytest.mark.parametrize("changes", [{"prediction_timeout_s": 1.0}, {"prediction_memory": 100 * 2**20}])
    def test_that_takes_too_much_is_a_refusal_and_gone(self, start, changes):
        with pytest.raises(Unavailable) as refused:
            start(**changes)()
        assert refused.value.code == "prediction_failed"
        assert children() == []

    def test_only_so_many_wait_for_it(self, start):
        predict = start()
        with ThreadPoolExecutor(12) as threads:
            asked = [threads.submit(predict) for _ in range(12)]
        refused = [one.exception() for one in asked if one.exception() is not None]
        assert [error.code for error in refused] == ["predictions_busy"] * 3

    def test_knows_no_secret_and_ends_with_the_one_that_started_it(self, trained, tmp_path):
        asked = tmp_path / "trained.json"
        asked.write_text(json.dumps(asdict(trained), default=lambda file: file.model_dump()))
        command = [sys.executable, "-c", PARENT, str(asked)]
        secret = {"STACKYARD_TOKEN": "a secret"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=secret) as parent:
            child = psutil.Process(int(parent.stdout.readline()))
            assert not [name for name in child.environ() if name.startswith("STACKYARD_")]
            parent.kill()
        child.wait(10)


def children():
    """The processes that predict for this one and have not ended."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "worker.prediction" in child.cmdline()
    ]


def only_child():
    [child] = children()
    return child


PARENT = """
import json, sys, time
from pathlib import Path
import psutil
from service.prediction import Predictor, Trained
from service.prediction.protocol import StoredFile
from service.settings import Settings

told = json.loads(Path(sys.argv[1]).read_text())
trained = Trained(told["spec"], StoredFile(**told["model"]), StoredFile(**told["preprocessing"]))
rows = b'{"rows": [[]]}'
try:
    Predictor(Settings()).predict(trained, rows, "application/json", "application/json")
except Exception:
    print(psutil.Process().children()[0].pid, flush=True)
time.sleep(600)
"""
