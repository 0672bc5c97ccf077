"""The prediction process: rows, outputs, answers, and its life cycle."""

import hashlib
import json
import re
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
from service.db.database import SessionFactory
from service.errors import InvalidInput, Unavailable
from service.prediction import Predictor
from service.prediction.protocol import PredictionRequest, ResponseKind, StoredFile
from service.storage.artifact_store import ArtifactStore
from stackyard.spec import ColumnDescription, CsvFormat, Normalize
from stackyard.spec.layers.lookups import list_computed_embeddings
from stackyard.spec.network.network import Network
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer, create_installation
from tests.polling import wait_until
from worker.keras_build.network import build_network
from worker.prediction import csv_table, json_arrays, json_table, predict
from worker.prediction.computed_lookups import build_computed_lookups, check_computed_lookups
from worker.prediction.feature_columns import FeatureColumn
from worker.prediction.lookup_inputs import check_lookup_inputs
from worker.prediction.network_cache import NetworkCache
from worker.prediction.predictions import Predictions
from worker.prediction.request_loop import answer_request
from worker.prediction.row_faults import InvalidRowsError
from worker.preparation.transforms.array_inputs import FittedArray
from worker.preparation.transforms.features import FittedGroup
from worker.preparation.transforms.targets import FittedTarget

JSON, CSV = "application/json", "text/csv"
FLOWER = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}
FLOWERS = json.dumps({"rows": [FLOWER, FLOWER | {"petal length (cm)": 6.0}]}).encode()


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url):
    return create_installation(tmp_path_factory.mktemp("prediction"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def trained(installation):
    """The artifacts of a job that classifies irises, as a prediction uses them."""
    with TestClient(create_app(installation), LOCAL_URL) as client:
        job_id = UUID(Trainer(client, installation).train(iris_spec()))
    sessions = SessionFactory(installation.resolved_database_url)
    with sessions.read() as session:
        artifacts = prediction.find_prediction_artifacts(session, job_id)
    sessions.dispose()
    with artifacts.open_files(ArtifactStore(installation.data_dir)) as trained:
        return trained


@pytest.fixture
def ask(trained):
    """Answer a request in this process; `changes` are fields of the request."""

    def ask(rows=FLOWERS, **changes):
        plain = PredictionRequest(**vars(trained), media_type=JSON, accept=JSON, max_rows=10)
        return answer_request(plain.model_copy(update=changes), rows, NetworkCache())

    return ask


def test_only_the_weights_of_a_keras_file_are_read(ask, trained, tmp_path):
    """A configuration may name any class and function; the one in this test is invalid."""
    changed = tmp_path / "changed"
    with zipfile.ZipFile(trained.model.path) as model, zipfile.ZipFile(changed, "w") as other:
        other.writestr("model.weights.h5", model.read("model.weights.h5"))
        other.writestr("config.json", '{"class_name": "Lambda", "module": "os"')
    digest = hashlib.sha256(changed.read_bytes()).hexdigest()
    assert ask(model=StoredFile(path=str(changed), sha256=digest)) == ask()


@pytest.mark.parametrize(
    ("error", "kind"), [(KeyError, ResponseKind.FAILED), (MemoryError, ResponseKind.OUT_OF_MEMORY)]
)
def test_an_error_is_an_answer_without_its_text(trained, error, kind):
    class BrokenCache:
        def get(self, _request):
            raise error("/srv/secret")

    request = PredictionRequest(**vars(trained), media_type=JSON, accept=JSON, max_rows=10)
    response = answer_request(request, FLOWERS, BrokenCache())
    assert response.kind is kind
    assert re.fullmatch(rb"([0-9a-f]{32})?", response.content)


@pytest.mark.parametrize("kind", ["model", "preprocessing"])
def test_a_file_with_another_hash_is_not_used(ask, trained, kind):
    file = getattr(trained, kind)
    assert ask(**{kind: file.model_copy(update={"sha256": "0" * 64})}).kind is ResponseKind.CORRUPT_FILE
    assert ask(**{kind: file.model_copy(update={"path": f"{file.path}?"})}).kind is ResponseKind.CORRUPT_FILE


@pytest.mark.parametrize("kind", ["model", "preprocessing"])
def test_a_file_that_does_not_fit_the_spec_is_not_used(ask, kind, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"{}")
    stored = StoredFile(path=str(other), sha256=hashlib.sha256(b"{}").hexdigest())
    assert ask(**{kind: stored}).kind is ResponseKind.CORRUPT_FILE


def test_weights_of_another_network_are_not_used(ask, trained):
    spec = json.loads(json.dumps(trained.spec))
    spec["network"]["layers"][1]["units"] = 9
    assert ask(spec=spec).kind is ResponseKind.CORRUPT_FILE


def test_networks_are_cached_and_the_least_recently_used_is_removed(trained):
    cache = NetworkCache(max_networks=2)
    requests = [
        PredictionRequest(
            **vars(trained) | {"model": StoredFile(path="", sha256=name)}, media_type="", accept="", max_rows=1
        )
        for name in "abc"
    ]
    first, second = cache.get(requests[0]), cache.get(requests[1])
    assert cache.get(requests[0]) is first
    cache.get(requests[2])
    assert cache.get(requests[0]) is first
    assert cache.get(requests[1]) is not second


def test_more_outputs_than_the_limit_are_an_error(ask, monkeypatch):
    monkeypatch.setattr(predict, "_MAX_OUTPUTS", 5)
    refusal = ask()
    assert refusal.kind is ResponseKind.INVALID_ROWS
    [problem] = json.loads(refusal.content)
    assert "at most 1 rows" in problem["message"]


class TestCsvFormats:
    """CSV rows are read as the file of the dataset."""

    @pytest.fixture
    def features(self):
        number = ColumnDescription(name="n", type="float", missing=1)
        text = ColumnDescription(name="t", type="text", missing=1, categories=["None", "a"])
        day = ColumnDescription(name="d", type="float", missing=0, stored_as="date")
        return [
            FeatureColumn(number, "none", is_imputed=True),
            FeatureColumn(text, "one_hot", is_imputed=True),
            FeatureColumn(day, "none", is_imputed=False),
        ]

    GERMAN = CsvFormat(
        delimiter=";",
        decimal=",",
        header=False,
        missing_values=["?", "-9"],
        default_missing_values=False,
        compression="gzip",
        dates=["d"],
    )

    @pytest.mark.parametrize(
        ("rows", "csv_format"),
        [
            (b"t;n;d\nNone;1,5;2024-01-01\n?;?;19723,5\na;-9,0;2024-01-02T12:00Z\n", GERMAN),
            (b"d,t,n\n2024-01-01,None,1.5\n19723.5,,\n2024-01-02T12:00Z,a,-9\n", GERMAN),
            (b"n,t,d\n1.5,x,2024-01-01\n,,19723.5\n,a,2024-01-02T12:00Z\n", None),
        ],
    )
    def test_rows_have_the_format_of_the_dataset_or_plain_commas(self, features, rows, csv_format):
        values = csv_table.read_csv_table(rows, features, csv_format).values
        first = "x" if csv_format is None else "None"
        assert values == {"n": [1.5, None, None], "t": [first, None, "a"], "d": [19723.0, 19723.5, 19724.5]}

    def test_another_decimal_point_is_an_error(self, features):
        with pytest.raises(InvalidRowsError) as error_info:
            csv_table.read_csv_table(b"n;t;d\n1.5;a;2024-01-01\n", features, self.GERMAN)
        assert [fault.pointer for fault in error_info.value.faults] == ["/rows/0/n"]

    @pytest.mark.parametrize("value", ["now", "2024-02-30", "yesterday", "", True, None])
    def test_text_that_is_no_date_is_an_error_at_its_row(self, features, value):
        with pytest.raises(InvalidRowsError) as error_info:
            json_table.read_json_table([{"d": "2024-01-01"}, {"d": value}], features[2:])
        [fault] = error_info.value.faults
        assert fault.pointer == "/rows/1/d"
        assert "ISO 8601" in fault.message


@pytest.fixture(scope="class")  # so that its process ends before the tests that count processes
def ask_items(installation):
    with TestClient(create_app(installation), LOCAL_URL) as client:
        trainer = Trainer(client, installation)
        trainer.upload("items", b"item,kind,y\n" + b"".join(b"%d,%c,%d\n" % (i, 97 + i, i) for i in range(6)) * 4)
        features = [{"columns": ["item"]}, {"columns": ["kind"], "transform": "ordinal"}]
        embedding = {"type": "Embedding", "input_dim": 6, "output_dim": 2}
        data = {"dataset": "items", "target": {"column": "y"}, "features": features}
        layers = [embedding, "Flatten", {"type": "Dense", "units": 1}]
        training = {"loss": "mse", "epochs": 1, "seed": 0}
        job_id = trainer.train({"data": data, "network": {"layers": layers}, "training": training})

        def ask(*rows):
            return client.post(f"/v1/jobs/{job_id}/predict", json={"rows": rows})

        yield ask


class TestLookups:
    """Rows with values that an Embedding cannot look up are refused before the network runs."""

    @pytest.mark.parametrize(
        ("row", "pointer", "words"),
        [
            ({"item": 6, "kind": "a"}, "/rows/1/item", "from 0 to 5, which the network looks up; received 6"),
            ({"item": -1, "kind": "a"}, "/rows/1/item", "received -1"),
            ({"item": 0.5, "kind": "a"}, "/rows/1/item", "received 0.5"),
            ({"item": 1, "kind": "new"}, "/rows/1/kind", "expected one of the 6 values"),
        ],
    )
    def test_an_invalid_index_is_refused_with_its_place(self, ask_items, row, pointer, words):
        response = ask_items({"item": 5, "kind": "f"}, row)
        assert response.status_code == 422
        [error] = response.json()["errors"]
        assert error["pointer"] == pointer
        assert words in error["message"]

    def test_the_process_is_kept(self, ask_items):
        assert ask_items({"item": 5, "kind": "f"}).status_code == 200
        child = get_only_child()
        assert ask_items({"item": 6, "kind": "f"}).status_code == 422
        assert get_only_child() == child

    def test_elements_of_arrays_have_their_place(self):
        with pytest.raises(InvalidRowsError) as error_info:
            check_lookup_inputs(np.array([[[0, 1], [2, 9]]], np.float32), 6, None)
        assert [fault.pointer for fault in error_info.value.faults] == ["/rows/0/1/1"]


class TestComputedLookups:
    """An Embedding behind layers that compute: TensorFlow would end the request, or read a negative index silently."""

    LAYERS = ("Flatten", {"type": "Rescaling", "scale": 10.0}, {"type": "Embedding", "input_dim": 51, "output_dim": 2})

    @pytest.fixture
    def check(self):
        """Check 40 rows of two ones, except some rows."""
        network = Network.model_validate({"layers": [*self.LAYERS, "Flatten"]})
        lookups = build_computed_lookups(network.layers, build_network(network, (2,)))

        def check(changed, lines=None):
            x = np.ones((40, 2), np.float32)
            for row, values in changed.items():
                x[row] = values
            with pytest.raises(InvalidRowsError) as error_info:
                check_computed_lookups(lookups, x, lines)
            return [(fault.pointer, fault.message.partition("it computes ")[2]) for fault in error_info.value.faults]

        return check

    def test_rows_whose_indices_are_out_of_range_are_refused(self, check):
        changed = {0: [0.0, 5.09], 1: [-0.05, 1.0], 3: [1.0, 5.2], 35: [-1.0, 9.0], 36: [1e30, 0.0]}
        assert check(changed) == [("/rows/3", "52"), ("/rows/35", "-10"), ("/rows/36", "1e+31")]

    def test_rows_of_a_file_have_their_lines(self, check):
        assert check({39: [6.0, 6.0]}, lines=range(2, 42)) == [("/rows/39", "60 (line 41)")]

    def test_an_embedding_of_the_inputs_is_not_computed(self):
        layers = Network.model_validate({"layers": [self.LAYERS[2], "Flatten"]}).layers
        assert list_computed_embeddings(layers) == []

    def test_the_request_is_refused_and_the_others_are_answered(self, installation):
        with TestClient(create_app(installation), LOCAL_URL) as client:
            trainer = Trainer(client, installation)
            trainer.upload("computed", b"item,y\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(6)) * 4)
            data = {"dataset": "computed", "target": {"column": "y"}}
            layers = [*self.LAYERS, "Flatten", {"type": "Dense", "units": 1}]
            training = {"loss": "mse", "epochs": 1, "seed": 0}
            job_id = trainer.train({"data": data, "network": {"layers": layers}, "training": training})
            sessions = SessionFactory(installation.resolved_database_url)
            with sessions.read() as session:
                artifacts = prediction.find_prediction_artifacts(session, UUID(job_id))
            sessions.dispose()
        networks = NetworkCache()

        def ask(*items):
            rows = json.dumps({"rows": [{"item": item} for item in items]}).encode()
            return answer_request(
                PredictionRequest(**vars(trained), media_type=JSON, accept=JSON, max_rows=10), rows, networks
            )

        with artifacts.open_files(ArtifactStore(installation.data_dir)) as trained:
            assert ask(1, 5).kind is ResponseKind.PREDICTIONS
            refusal = ask(1, 6)
            assert refusal.kind is ResponseKind.INVALID_ROWS
            assert [fault["pointer"] for fault in json.loads(refusal.content)] == ["/rows/1"]


class TestColumns:
    @pytest.fixture
    def number(self):
        column = ColumnDescription(name="n", type="integer", missing=0, categories=[1, 2, 3])
        return lambda transform, *, filled=False: FeatureColumn(column, transform, filled)

    def test_a_whole_number_may_be_written_as_a_float(self, number):
        assert json_table.read_json_table([{"n": 2.0}, {"n": 3}], [number("one_hot")]).values == {"n": [2, 3]}

    @pytest.mark.parametrize("value", [2.5, 1e300, True, "2", None, [2], {}])
    def test_another_value_is_an_error_if_integers_are_categories(self, number, value):
        with pytest.raises(InvalidRowsError) as error_info:
            json_table.read_json_table([{"n": value}], [number("ordinal")])
        assert [problem.pointer for problem in error_info.value.faults] == ["/rows/0/n"]

    def test_an_imputed_value_may_be_missing_and_is_not_unknown(self, number):
        features = [number("ordinal", filled=True)]
        table = json_table.read_json_table([{"n": None}, {"n": 9}, {"n": 1}], features)
        assert table.values == {"n": [None, 9, 1]}
        [unknown] = table.list_unknown_values()
        assert (unknown.pointer, unknown.received) == ("/rows/1/n", 9)

    def test_null_is_imputed_and_unknown_values_are_encoded_as_documented(self, number):
        column = number("ordinal").column
        table = json_table.read_json_table([{"n": None}, {"n": 9}, {"n": 1}], [number("ordinal", filled=True)])
        for transform, expected in (("ordinal", [[1], [-1], [0]]), ("one_hot", [[0, 1, 0], [0, 0, 0], [1, 0, 0]])):
            group = FittedGroup(columns=(column,), transform=transform, fill={"n": 2}, numbers={})
            assert group.apply(table.to_frame).tolist() == expected


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
    def test_faults_have_their_locations(self, rows, faults):
        with pytest.raises(InvalidRowsError) as error_info:
            json_arrays.read_json_arrays(rows, FittedArray(shape=(2, 2), type="uint8", normalize=None))
        messages = {problem.pointer: problem.message for problem in error_info.value.faults}
        assert messages.keys() == faults.keys()
        assert all(excerpt in messages[pointer] for pointer, excerpt in faults.items())

    def test_booleans_and_numbers_are_boolean_rows(self):
        read = json_arrays.read_json_arrays([[True, 0]], FittedArray(shape=(2,), type="bool", normalize=None))
        assert read.tolist() == [[1.0, 0.0]]

    def test_floats_have_the_dtype_of_the_dataset(self):
        read = json_arrays.read_json_arrays([[0.1]], FittedArray(shape=(1,), type="float32", normalize=None))
        assert read.dtype == np.float32

    def test_normalization_over_all_rows_permits_no_prediction(self, ask, tmp_path):
        inputs = FittedArray(shape=(2,), type="float32", normalize=Normalize(axis=-2))
        target = FittedTarget(columns=("y",), kind="regression")
        fitted = tmp_path / "fitted"
        fitted.write_text(json.dumps({"inputs": inputs.model_dump(), "target": target.model_dump()}))
        stored = StoredFile(path=str(fitted), sha256=hashlib.sha256(fitted.read_bytes()).hexdigest())
        assert ask(b'{"rows": [[1, 2]]}', preprocessing=stored).kind is ResponseKind.NOT_PREDICTABLE


class TestAnswers:
    def test_nonfinite_numbers_are_null_and_listed(self):
        target = FittedTarget(columns=("a", "b/c"), kind="regression")
        answer_document = json.loads(Predictions(np.array([[1, np.nan], [-np.inf, 2]]), target).to_json())
        assert answer_document["predictions"] == [{"a": 1, "b/c": None}, {"a": None, "b/c": 2}]
        assert answer_document["nonfinite"] == {"/predictions/0/b~1c": "NaN", "/predictions/1/a": "-Infinity"}

    def test_a_class_with_nonfinite_scores_is_null(self):
        target = FittedTarget(columns=("a",), kind="classification", classes=("x", "y"))
        predicted = Predictions(np.array([[0.2, 0.8], [np.nan, 0.5]]), target)
        answer_document = json.loads(predicted.to_json())
        assert answer_document["predictions"] == ["y", None]
        assert answer_document["scores"] == [[0.2, 0.8], [None, 0.5]]
        assert answer_document["nonfinite"] == {"/predictions/1": "NaN", "/scores/1/0": "NaN"}
        assert predicted.to_csv().decode().splitlines() == ["a,score_x,score_y", "y,0.2,0.8", ",nan,0.5"]

    def test_sign_losses_have_no_scores(self):
        target = FittedTarget(columns=("a",), kind="classification", classes=(-1, 1), signs=True)
        predicted = Predictions(np.array([[-0.4], [3.0]]), target)
        answer_document = json.loads(predicted.to_json())
        assert (answer_document["predictions"], answer_document["scores"]) == ([-1, 1], None)
        assert predicted.to_csv() == b"a\n-1\n1\n"

    def test_other_outputs_are_returned_unchanged(self):
        outputs = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
        predicted = Predictions(outputs, FittedTarget(columns=("a",), kind="other"))
        assert json.loads(predicted.to_json())["predictions"] == outputs.tolist()
        assert predicted.to_csv().splitlines()[0] == b"output_0,output_1,output_2,output_3"


@pytest.mark.exhaustive
class TestProcess:
    @pytest.fixture
    def start(self, installation, trained):
        """Return a function that predicts with a predictor of other settings."""
        with ExitStack() as stack:

            def start(**changes):
                predictor = Predictor(installation.model_copy(update=changes))
                stack.callback(predictor.close)
                return lambda artifacts=trained, rows=FLOWERS, media_type=JSON: predictor.predict(
                    artifacts, rows, media_type, JSON
                )

            yield start

    def test_restarts_after_it_was_idle_or_killed(self, start, ask):
        predict = start(prediction_idle_s=1)
        expected = ask().content
        assert predict() == expected
        wait_until(lambda: list_children() == [])
        assert predict() == expected
        get_only_child().kill()
        wait_until(lambda: list_children() == [])
        assert predict() == expected

    @pytest.mark.parametrize("changes", [{"prediction_timeout_s": 1.0}, {"prediction_memory": 100 * 2**20}])
    def test_exceeding_a_limit_is_an_error_and_ends_the_process(self, start, changes):
        with pytest.raises(Unavailable) as error_info:
            start(**changes)()
        assert error_info.value.code == "prediction_failed"
        assert list_children() == []

    @pytest.mark.parametrize("quote", [b"", b'"'])
    def test_a_header_field_without_end_costs_one_request_and_no_process(self, start, quote):
        predict = start()
        predict()
        child = get_only_child()
        rows = quote + b"a" * 131_073 + quote + b"\n1\n"
        with pytest.raises(InvalidInput, match="in line 1 has 131,073 characters"):
            predict(rows=rows, media_type=CSV)
        assert get_only_child() == child

    def test_only_a_limited_number_of_requests_wait(self, start):
        predict = start()
        with ThreadPoolExecutor(12) as threads:
            requests = [threads.submit(predict) for _ in range(12)]
        errors = [request.exception() for request in requests if request.exception() is not None]
        assert [error.code for error in errors] == ["predictions_busy"] * 3

    def test_has_no_secrets_and_ends_with_its_parent(self, trained, tmp_path):
        document = tmp_path / "trained.json"
        document.write_text(json.dumps(asdict(trained), default=lambda file: file.model_dump()))
        command = [sys.executable, "-c", PARENT, str(document)]
        secret = {"STACKYARD_TOKEN": "a secret"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=secret) as parent:
            child = psutil.Process(int(parent.stdout.readline()))
            assert not [name for name in child.environ() if name.startswith("STACKYARD_")]
            parent.kill()
        child.wait(10)


def list_children():
    """Return the running prediction processes that this process started."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "worker.prediction" in child.cmdline()
    ]


def get_only_child():
    [child] = list_children()
    return child


PARENT = """
import json, sys, time
from pathlib import Path
import psutil
from models import Backend
from service.prediction import Predictor, OpenedArtifacts
from service.prediction.protocol import StoredFile
from service.settings import Settings

document = json.loads(Path(sys.argv[1]).read_text())
files = (StoredFile(**document[name]) for name in ("model", "preprocessing"))
artifacts = OpenedArtifacts(document["spec"], Backend.TENSORFLOW, *files)
rows = b'{"rows": [[]]}'
try:
    Predictor(Settings()).predict(artifacts, rows, "application/json", "application/json")
except Exception:
    print(psutil.Process().children()[0].pid, flush=True)
time.sleep(600)
"""
