"""Predictions over HTTP, by the real prediction process and with trained networks.

The expected values come from `keras.models.load_model` and from rows that pandas and scikit-learn prepared.
"""

import io
import json
from uuid import UUID

import keras
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from api.app import create_app
from api.jobs.predictions import PredictionsView
from models import Artifact
from service.db.database import SessionFactory
from service.settings import Settings
from tests.api import factories
from tests.api.factories import ROWS, TRAIN_ROWS, build_things_spec, to_records
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer, create_installation

JSON, CSV = "application/json", "text/csv"


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url) -> Settings:
    return create_installation(tmp_path_factory.mktemp("predictions"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def api(installation):
    """One client for all tests of this module, because the prediction process is slow to start."""
    with TestClient(create_app(installation), LOCAL_URL, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def table():
    return factories.build_table()


@pytest.fixture(scope="module")
def trainer(api, installation, table):
    trainer = Trainer(api, installation)
    trainer.upload("things", table.to_csv(index=False).encode())
    return trainer


@pytest.fixture(scope="module")
def network(api, tmp_path_factory):
    """Load a job's network with stock Keras."""

    def network(job_id):
        path = tmp_path_factory.mktemp("models") / "model.keras"
        path.write_bytes(api.get(f"/v1/jobs/{job_id}/model").content)
        return keras.models.load_model(path)

    return network


@pytest.fixture(scope="module")
def predict(api):
    """Return the answer for rows, after a check that the view has all of its fields."""

    def predict(job_id, rows, media_type=JSON):
        body = rows if media_type == CSV else json.dumps({"rows": rows})
        response = api.post(f"/v1/jobs/{job_id}/predict", content=body, headers={"Content-Type": media_type})
        assert response.status_code == 200, response.text
        PredictionsView.model_validate(response.json(), extra="forbid")
        return response.json()

    return predict


@pytest.fixture(scope="module")
def refusal(api):
    """Return the messages of a refusal by their pointers."""

    def refusal(job_id, body, media_type=JSON):
        content = body if isinstance(body, bytes) else json.dumps(body)
        response = api.post(f"/v1/jobs/{job_id}/predict", content=content, headers={"Content-Type": media_type})
        assert response.status_code == 422, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        return {error["pointer"]: error["message"] for error in response.json()["errors"]}

    return refusal


@pytest.fixture(scope="module")
def divided_table(table):
    """The training and the validation rows of the table, as the server reads and divides it."""
    frame = pd.read_csv(io.BytesIO(table.to_csv(index=False).encode()))
    return frame[:TRAIN_ROWS], frame[TRAIN_ROWS:]


def standardize(divided_table, columns):
    train, validation = divided_table
    return StandardScaler().fit(train[columns]).transform(validation[columns]).astype(np.float32)


@pytest.fixture(scope="module")
def kinds(trainer):
    """A job of a classifier of three named classes."""
    return trainer.train(build_things_spec({"column": "kind"}, "sparse_categorical_crossentropy", 3, "softmax"))


@pytest.fixture(scope="module")
def prices(trainer):
    """A job of a regressor, with every kind of preprocessing of features and target."""
    features = [
        {"columns": ["size"], "transform": "standard"},
        {"columns": ["color"], "transform": "one_hot"},
        {"columns": ["age"], "impute": {"strategy": "median"}},
        {"columns": ["wet"]},
    ]
    target = {"column": "price", "divide_by": 100.0, "standard": True}
    return trainer.train(build_things_spec(target, "mse", 1, features=features))


class TestPredictedValues:
    """Predictions equal those of the Keras model bit for bit."""

    @pytest.mark.parametrize("media_type", [JSON, CSV])
    def test_named_classes(self, kinds, network, predict, divided_table, media_type):
        outputs = network(kinds).predict(standardize(divided_table, ["size"]), verbose=0)
        rows = to_records(divided_table[1]) if media_type == JSON else divided_table[1].to_csv(index=False)
        answer = predict(kinds, rows, media_type)
        classes = ["large", "middling", "small"]
        assert answer["target"] == ["kind"]
        assert answer["classes"] == classes
        assert answer["scores"] == outputs.astype(float).tolist()
        assert answer["predictions"] == [classes[index] for index in outputs.argmax(axis=1)]
        assert (answer["nonfinite"], answer["unknown"]) == ({}, [])

    @pytest.mark.parametrize("media_type", [JSON, CSV])
    def test_numbers_in_the_units_of_the_target(self, prices, network, predict, divided_table, media_type):
        train, validation = divided_table
        colors = OneHotEncoder(sparse_output=False).fit(train[["color"]]).transform(validation[["color"]])
        ages = SimpleImputer(strategy="median").fit(train[["age"]]).transform(validation[["age"]])
        x = np.hstack([standardize(divided_table, ["size"]), colors, ages, validation[["wet"]]]).astype(np.float32)
        scaler = StandardScaler().fit(train[["price"]] / 100.0)
        outputs = network(prices).predict(x, verbose=0).astype(float)
        rows = to_records(validation) if media_type == JSON else validation.to_csv(index=False)
        answer = predict(prices, rows, media_type)
        assert answer["predictions"] == (scaler.inverse_transform(outputs) * 100.0)[:, 0].tolist()
        assert (answer["classes"], answer["scores"]) == (None, None)
        assert answer["target"] == ["price"]

    def test_a_binary_classifier_with_logits(self, trainer, network, predict, divided_table):
        loss = {"type": "BinaryCrossentropy", "from_logits": True}
        job = trainer.train(build_things_spec({"column": "wet"}, loss, 1))
        logits = network(job).predict(standardize(divided_table, ["size"]), verbose=0)[:, 0].astype(float)
        answer = predict(job, to_records(divided_table[1]))
        assert answer["classes"] == [False, True]
        assert answer["predictions"] == (logits > 0).tolist()
        assert [score for _, score in answer["scores"]] == (1 / (1 + np.exp(-logits))).tolist()
        assert all(sum(scores) == pytest.approx(1) for scores in answer["scores"])

    def test_several_targets_have_their_names(self, trainer, network, predict, divided_table):
        columns = ["price", "size"]
        features = [{"columns": ["number"]}]
        job = trainer.train(build_things_spec({"column": columns, "standard": True}, "mse", 2, features=features))
        outputs = network(job).predict(divided_table[1][["number"]].to_numpy(np.float32), verbose=0).astype(float)
        expected = StandardScaler().fit(divided_table[0][columns]).inverse_transform(outputs)
        answer = predict(job, to_records(divided_table[1]))
        assert answer["target"] == columns
        assert answer["predictions"] == [{"price": price, "size": size} for price, size in expected.tolist()]

    @pytest.mark.parametrize("kind", ["uint8", "float32"])
    def test_rows_of_arrays(self, trainer, network, predict, kind):
        random = np.random.default_rng(1)
        x = (random.random((ROWS, 3, 5)) * 255).astype(kind)
        file = io.BytesIO()
        np.savez(file, x=x, y=random.integers(0, 4, ROWS))
        trainer.upload(f"pictures-{kind}", file.getvalue(), "application/x-npz")
        spec = build_things_spec({}, "sparse_categorical_crossentropy", 4, "softmax")
        spec["data"] = {
            "dataset": f"pictures-{kind}",
            "x": "x",
            "y": "y",
            "normalize": {"axis": 1},
            "split": spec["data"]["split"],
        }
        spec["network"]["layers"].insert(0, {"type": "Flatten"})
        job = trainer.train(spec)
        outputs = network(job).predict(keras.utils.normalize(x[TRAIN_ROWS:], axis=1).astype(np.float32), verbose=0)
        answer = predict(job, x[TRAIN_ROWS:].tolist())
        assert answer["scores"] == outputs.astype(float).tolist()
        assert answer["predictions"] == outputs.argmax(axis=1).tolist()


class TestRows:
    def test_columns_other_than_features_are_ignored(self, kinds, predict):
        plain = predict(kinds, [{"size": 10}])
        assert predict(kinds, [{"size": 10, "kind": ["?"], "price": None, "other": "x"}]) == plain

    def test_every_fault_has_its_pointer(self, prices, refusal):
        valid = {"size": 1.5, "color": "red", "age": None, "wet": True}
        rows = [
            valid,
            valid | {"size": "abc", "wet": 1},
            {"sise": 1, "color": "red", "age": 3, "wet": False},
            valid | {"size": None, "color": 7},
            valid | {"size": True},
        ]
        assert refusal(prices, {"rows": rows}) == {
            "/rows/1/size": 'expected a number, received "abc"',
            "/rows/1/wet": "expected true or false, received 1",
            "/rows/2": 'expected a value for "size", received none',
            "/rows/3/size": "expected a number, received null",
            "/rows/3/color": "expected a string, received 7",
            "/rows/4/size": "expected a number, received true",
        }

    def test_every_fault_of_a_csv_file_has_its_line(self, prices, refusal):
        text = b'size,color,age,wet\n1,red,,true\n\nabc,red,NA,yes\n,"r\ned",3,False\ninf,red,4,True\n'
        assert refusal(prices, text, CSV) == {
            "/rows/1/size": 'expected a number, received "abc" (line 4)',
            "/rows/1/wet": 'expected true or false, received "yes" (line 4)',
            "/rows/2/size": "expected a number, received null (line 5)",
            "/rows/3/size": 'expected a number, received "inf" (line 7)',
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"", "empty"),
            (b"size\n", "at least one row"),
            (b"width\n1\n", 'a column "size" in the header'),
            (b"size,age\n1,2\n3\n", "Line 3 has 1 field; expected 2"),
            (b"size,age\n1,2,3\n", "Line 2 has 3 fields; expected 2"),
            (b"size,size\n1,2\n", "two columns named 'size'"),
            (b'size\n"1\n', "has no end"),
            (b"size\n\xff\n", "not UTF-8"),
            (b"size\n\0\n", "NUL"),
        ],
    )
    def test_an_unreadable_csv_file_is_refused(self, kinds, refusal, text, message):
        [received] = refusal(kinds, text, CSV).values()
        assert message in received

    def test_an_unknown_category_is_reported(self, prices, predict):
        row = {"size": 1.5, "color": "pink", "age": 3, "wet": True}
        answer = predict(prices, [row | {"color": "red"}, row])
        [unknown] = answer["unknown"]
        assert (unknown["pointer"], unknown["received"]) == ("/rows/1/color", "pink")
        assert "none of the 3 values" in unknown["message"]
        assert answer["predictions"][0] != answer["predictions"][1]

    def test_only_the_first_hundred_faults_are_listed(self, kinds, refusal):
        messages = refusal(kinds, {"rows": [{"size": "x"}] * 1000})
        assert len(messages) == 101
        assert messages[""] == "and 900 more errors"

    def test_numbers_too_large_for_the_network_are_refused(self, kinds, refusal):
        assert list(refusal(kinds, {"rows": [{"size": 1}, {"size": 1e300}]})) == ["/rows/1"]

    def test_more_rows_than_the_limit_are_refused(self, api, kinds, refusal):
        max_rows = api.app.state.stackyard.settings.max_predict_rows
        assert "max_predict_rows" in refusal(kinds, {"rows": [0] * (max_rows + 1)})["/rows"]

    def test_more_bytes_than_the_limit_are_refused(self, api, kinds):
        body = b" " * (api.app.state.stackyard.settings.max_predict_bytes + 1)
        response = api.post(f"/v1/jobs/{kinds}/predict", content=body, headers={"Content-Type": JSON})
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def test_another_media_type_is_refused(self, api, kinds):
        response = api.post(f"/v1/jobs/{kinds}/predict", content=b"<x/>", headers={"Content-Type": "text/xml"})
        assert response.status_code == 415


class TestAnswers:
    def test_a_csv_answer_has_the_same_values(self, api, kinds, predict):
        rows = [{"size": 10}, {"size": 90}]
        response = api.post(f"/v1/jobs/{kinds}/predict", json={"rows": rows}, headers={"Accept": CSV})
        assert response.headers["Content-Type"].startswith(CSV)
        assert response.headers["Vary"] == "Accept"
        answer, table = predict(kinds, rows), pd.read_csv(io.StringIO(response.text))
        assert list(table) == ["kind", "score_large", "score_middling", "score_small"]
        assert table["kind"].tolist() == answer["predictions"]
        assert table.iloc[:, 1:].to_numpy().tolist() == answer["scores"]

    def test_another_accepted_type_is_refused(self, api, kinds):
        response = api.post(f"/v1/jobs/{kinds}/predict", json={"rows": [{}]}, headers={"Accept": "image/png"})
        assert response.status_code == 406


class TestJobs:
    def test_a_missing_job_is_not_found(self, api):
        assert api.post(f"/v1/jobs/{UUID(int=0)}/predict", json={"rows": [1]}).status_code == 404

    def test_a_queued_job_has_no_model_yet(self, api):
        job = api.post("/v1/jobs", json=iris_spec()).json()["id"]
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [1]})
        assert (response.status_code, response.json()["code"]) == (409, "no_model_yet")
        api.delete(f"/v1/jobs/{job}")

    def test_a_job_without_preprocessing_is_a_conflict(self, api, trainer, installation):
        job = trainer.train(build_things_spec({"column": "price"}, "mse", 1))
        sessions = SessionFactory(installation.resolved_database_url)
        with sessions.begin() as session:
            session.delete(session.get_one(Artifact, (UUID(job), "preprocessing")))
        sessions.dispose()
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [{"size": 1}]})
        assert (response.status_code, response.json()["code"]) == (409, "no_preprocessing")

    def test_a_job_with_a_deleted_dataset_still_predicts(self, api, trainer, predict):
        trainer.upload("short-lived", b"a,b\n" + b"".join(b"%d,%d\n" % (n, 2 * n) for n in range(20)))
        spec = build_things_spec({"column": "b"}, "mse", 1, features=[{"columns": ["a"]}])
        spec["data"]["dataset"] = "short-lived"
        job = trainer.train(spec)
        [dataset] = api.get("/v1/datasets", params={"name": "short-lived"}).json()["items"]
        assert api.delete(f"/v1/datasets/{dataset['id']}").status_code == 204
        assert len(predict(job, [{"a": 3}])["predictions"]) == 1

    def test_a_damaged_model_is_a_conflict(self, api, trainer, installation):
        job = trainer.train(build_things_spec({"column": "price"}, "mse", 1))
        digest = api.get(f"/v1/jobs/{job}/model").headers["ETag"].strip('"')
        path = installation.data_dir / "sha256" / digest[:2] / digest
        path.write_bytes(path.read_bytes() + b"\0")
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [{"size": 1}]})
        assert (response.status_code, response.json()["code"]) == (409, "model_damaged")


HOSTILE = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "an unknown member": b'{"rows": [{"size": 1}], "lambda": 1}',
    "no rows": b"{}",
    "null for rows": b'{"rows": null}',
    "an empty list": b'{"rows": []}',
    "numbers for rows": b'{"rows": [1, 2]}',
    "lists for rows": b'{"rows": [[1], []]}',
    "NaN": b'{"rows": [{"size": NaN}]}',
    "an infinity": b'{"rows": [{"size": -Infinity}]}',
    "a huge exponent": b'{"rows": [{"size": 1e999}]}',
    "a huge integer": b'{"rows": [{"size": ' + b"9" * 5000 + b"}]}",
    "duplicate keys": b'{"rows": [{"size": 1, "size": 2}]}',
    "half a character": b'{"rows": [{"size": "\\ud800"}]}',
    "a NUL": b'{"rows": [{"\\u0000": 1}]}',
    "invalid UTF-8": b'{"rows": [{"size": "\xff"}]}',
    "a deep list": b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_malicious_body_is_refused(kinds, refusal, body):
    assert refusal(kinds, body)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["red", "true", "1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ROW = JSON_VALUES | st.fixed_dictionaries(dict.fromkeys(["size", "color", "age", "wet"], JSON_VALUES))
BODIES = (
    st.lists(ROW, max_size=5).map(lambda rows: {"rows": rows})
    | JSON_VALUES
    | st.fixed_dictionaries({"rows": JSON_VALUES, "more": JSON_VALUES})
)


@given(body=BODIES)
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_no_document_is_a_server_error(api, prices, body):
    content = json.dumps(body).encode()
    response = api.post(f"/v1/jobs/{prices}/predict", content=content, headers={"Content-Type": JSON})
    assert response.status_code in {200, 422}, response.text
    assert response.json()


@given(content=st.binary(max_size=60) | st.text(alphabet='size,colrag\n"0.1\r', max_size=60).map(str.encode))
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_no_csv_file_is_a_server_error(api, kinds, content):
    response = api.post(f"/v1/jobs/{kinds}/predict", content=content, headers={"Content-Type": CSV})
    assert response.status_code in {200, 422}, response.text
