"""Predictions through the door: the real process, on networks that were really trained.

What is expected comes from `keras.models.load_model` and from rows that pandas and scikit-learn prepared.
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
from service.db.database import Sessions
from service.settings import Settings
from tests.api import factories
from tests.api.factories import ROWS, TRAINED, records, things_spec
from tests.factories import iris_spec
from tests.trainer import Trainer, installed

JSON, CSV = "application/json", "text/csv"


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url) -> Settings:
    return installed(tmp_path_factory.mktemp("predictions"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def api(installation):
    """One for the tests of this module: the process that predicts takes seconds to start."""
    with TestClient(create_app(installation), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def table():
    return factories.table()


@pytest.fixture(scope="module")
def trainer(api, installation, table):
    trainer = Trainer(api, installation)
    trainer.upload("things", table.to_csv(index=False).encode())
    return trainer


@pytest.fixture(scope="module")
def network(api, tmp_path_factory):
    """A job's network, as stock Keras loads it."""

    def network(job_id):
        path = tmp_path_factory.mktemp("models") / "model.keras"
        path.write_bytes(api.get(f"/v1/jobs/{job_id}/model").content)
        return keras.models.load_model(path)

    return network


@pytest.fixture(scope="module")
def predict(api):
    """The answer for rows, in a view that knows every one of its members."""

    def predict(job_id, rows, media_type=JSON):
        body = rows if media_type == CSV else json.dumps({"rows": rows})
        response = api.post(f"/v1/jobs/{job_id}/predict", content=body, headers={"Content-Type": media_type})
        assert response.status_code == 200, response.text
        PredictionsView.model_validate(response.json(), extra="forbid")
        return response.json()

    return predict


@pytest.fixture(scope="module")
def refusal(api):
    """The problems of rows that are refused."""

    def refusal(job_id, body, media_type=JSON):
        content = body if isinstance(body, bytes) else json.dumps(body)
        response = api.post(f"/v1/jobs/{job_id}/predict", content=content, headers={"Content-Type": media_type})
        assert response.status_code == 422, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        return {error["pointer"]: error["message"] for error in response.json()["errors"]}

    return refusal


@pytest.fixture(scope="module")
def seen(table):
    """The table as the server read it, divided as the specs divide it."""
    read = pd.read_csv(io.BytesIO(table.to_csv(index=False).encode()))
    return read[:TRAINED], read[TRAINED:]


def standardised(seen, columns):
    train, rest = seen
    return StandardScaler().fit(train[columns]).transform(rest[columns]).astype(np.float32)


@pytest.fixture(scope="module")
def kinds(trainer):
    """A job that tells classes with names."""
    return trainer.train(things_spec({"column": "kind"}, "sparse_categorical_crossentropy", 3, "softmax"))


@pytest.fixture(scope="module")
def prices(trainer):
    """A job with every kind of preprocessing, of the target too."""
    features = [
        {"columns": ["size"], "transform": "standard"},
        {"columns": ["color"], "transform": "one_hot"},
        {"columns": ["age"], "impute": {"strategy": "median"}},
        {"columns": ["wet"]},
    ]
    target = {"column": "price", "divide_by": 100.0, "standard": True}
    return trainer.train(things_spec(target, "mse", 1, features=features))


class TestWhatTheTrainedNetworkGives:
    """To the bit."""

    @pytest.mark.parametrize("media_type", [JSON, CSV])
    def test_classes_with_names(self, kinds, network, predict, seen, media_type):
        outputs = network(kinds).predict(standardised(seen, ["size"]), verbose=0)
        rows = records(seen[1]) if media_type == JSON else seen[1].to_csv(index=False)
        told = predict(kinds, rows, media_type)
        classes = ["large", "middling", "small"]
        assert told["target"] == ["kind"]
        assert told["classes"] == classes
        assert told["scores"] == outputs.astype(float).tolist()
        assert told["predictions"] == [classes[place] for place in outputs.argmax(axis=1)]
        assert (told["nonfinite"], told["unknown"]) == ({}, [])

    @pytest.mark.parametrize("media_type", [JSON, CSV])
    def test_numbers_in_the_targets_own_units(self, prices, network, predict, seen, media_type):
        train, rest = seen
        colors = OneHotEncoder(sparse_output=False).fit(train[["color"]]).transform(rest[["color"]])
        ages = SimpleImputer(strategy="median").fit(train[["age"]]).transform(rest[["age"]])
        x = np.hstack([standardised(seen, ["size"]), colors, ages, rest[["wet"]]]).astype(np.float32)
        scaler = StandardScaler().fit(train[["price"]] / 100.0)
        outputs = network(prices).predict(x, verbose=0).astype(float)
        rows = records(rest) if media_type == JSON else rest.to_csv(index=False)
        told = predict(prices, rows, media_type)
        assert told["predictions"] == (scaler.inverse_transform(outputs) * 100.0)[:, 0].tolist()
        assert (told["classes"], told["scores"]) == (None, None)
        assert told["target"] == ["price"]

    def test_one_output_that_the_loss_makes_a_share_of(self, trainer, network, predict, seen):
        loss = {"type": "BinaryCrossentropy", "from_logits": True}
        job = trainer.train(things_spec({"column": "wet"}, loss, 1))
        logits = network(job).predict(standardised(seen, ["size"]), verbose=0)[:, 0].astype(float)
        told = predict(job, records(seen[1]))
        assert told["classes"] == [False, True]
        assert told["predictions"] == (logits > 0).tolist()
        assert [share for _, share in told["scores"]] == (1 / (1 + np.exp(-logits))).tolist()
        assert all(sum(scores) == pytest.approx(1) for scores in told["scores"])

    def test_several_targets_by_their_names(self, trainer, network, predict, seen):
        columns = ["price", "size"]
        features = [{"columns": ["number"]}]
        job = trainer.train(things_spec({"column": columns, "standard": True}, "mse", 2, features=features))
        outputs = network(job).predict(seen[1][["number"]].to_numpy(np.float32), verbose=0).astype(float)
        expected = StandardScaler().fit(seen[0][columns]).inverse_transform(outputs)
        told = predict(job, records(seen[1]))
        assert told["target"] == columns
        assert told["predictions"] == [{"price": price, "size": size} for price, size in expected.tolist()]

    @pytest.mark.parametrize("kind", ["uint8", "float32"])
    def test_arrays(self, trainer, network, predict, kind):
        random = np.random.default_rng(1)
        x = (random.random((ROWS, 3, 5)) * 255).astype(kind)
        file = io.BytesIO()
        np.savez(file, x=x, y=random.integers(0, 4, ROWS))
        trainer.upload(f"pictures-{kind}", file.getvalue(), "application/x-npz")
        spec = things_spec({}, "sparse_categorical_crossentropy", 4, "softmax")
        spec["data"] = {
            "dataset": f"pictures-{kind}",
            "x": "x",
            "y": "y",
            "normalize": {"axis": 1},
            "split": spec["data"]["split"],
        }
        spec["network"]["layers"].insert(0, {"type": "Flatten"})
        job = trainer.train(spec)
        outputs = network(job).predict(keras.utils.normalize(x[TRAINED:], axis=1).astype(np.float32), verbose=0)
        told = predict(job, x[TRAINED:].tolist())
        assert told["scores"] == outputs.astype(float).tolist()
        assert told["predictions"] == outputs.argmax(axis=1).tolist()


class TestRows:
    def test_columns_that_are_no_features_are_not_looked_at(self, kinds, predict):
        plain = predict(kinds, [{"size": 10}])
        assert predict(kinds, [{"size": 10, "kind": ["?"], "price": None, "other": "x"}]) == plain

    def test_every_fault_at_its_place(self, prices, refusal):
        right = {"size": 1.5, "color": "red", "age": None, "wet": True}
        rows = [
            right,
            right | {"size": "abc", "wet": 1},
            {"sise": 1, "color": "red", "age": 3, "wet": False},
            right | {"size": None, "color": 7},
            right | {"size": True},
        ]
        assert refusal(prices, {"rows": rows}) == {
            "/rows/1/size": 'expected a number, received "abc"',
            "/rows/1/wet": "expected true or false, received 1",
            "/rows/2": 'expected a value for "size", received none',
            "/rows/3/size": "expected a number, received null",
            "/rows/3/color": "expected a string, received 7",
            "/rows/4/size": "expected a number, received true",
        }

    def test_every_fault_of_a_file_by_its_line(self, prices, refusal):
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
    def test_a_file_that_cannot_be_read(self, kinds, refusal, text, message):
        [found] = refusal(kinds, text, CSV).values()
        assert message in found

    def test_a_value_that_the_column_did_not_have_is_told_and_counts_as_none(self, prices, predict):
        row = {"size": 1.5, "color": "pink", "age": 3, "wet": True}
        told = predict(prices, [row | {"color": "red"}, row])
        [unknown] = told["unknown"]
        assert (unknown["pointer"], unknown["received"]) == ("/rows/1/color", "pink")
        assert "none of the 3 values" in unknown["message"]
        assert told["predictions"][0] != told["predictions"][1]

    def test_a_thousand_faults_are_counted_after_the_first_hundred(self, kinds, refusal):
        found = refusal(kinds, {"rows": [{"size": "x"}] * 1000})
        assert len(found) == 101
        assert found[""] == "and 900 more of this kind or other"

    def test_numbers_too_great_for_the_network_are_refused(self, kinds, refusal):
        assert list(refusal(kinds, {"rows": [{"size": 1}, {"size": 1e300}]})) == ["/rows/1"]

    def test_more_rows_than_the_limit(self, api, kinds, refusal):
        most = api.app.state.parts.settings.max_predict_rows
        assert "max_predict_rows" in refusal(kinds, {"rows": [0] * (most + 1)})["/rows"]

    def test_more_bytes_than_the_limit(self, api, kinds):
        body = b" " * (api.app.state.parts.settings.max_predict_bytes + 1)
        response = api.post(f"/v1/jobs/{kinds}/predict", content=body, headers={"Content-Type": JSON})
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def test_another_type_is_refused(self, api, kinds):
        response = api.post(f"/v1/jobs/{kinds}/predict", content=b"<x/>", headers={"Content-Type": "text/xml"})
        assert response.status_code == 415


class TestAnswers:
    def test_as_csv(self, api, kinds, predict):
        rows = [{"size": 10}, {"size": 90}]
        response = api.post(f"/v1/jobs/{kinds}/predict", json={"rows": rows}, headers={"Accept": CSV})
        assert response.headers["Content-Type"].startswith(CSV)
        assert response.headers["Vary"] == "Accept"
        told, table = predict(kinds, rows), pd.read_csv(io.StringIO(response.text))
        assert list(table) == ["kind", "score_large", "score_middling", "score_small"]
        assert table["kind"].tolist() == told["predictions"]
        assert table.iloc[:, 1:].to_numpy().tolist() == told["scores"]

    def test_of_another_type_are_not_offered(self, api, kinds):
        response = api.post(f"/v1/jobs/{kinds}/predict", json={"rows": [{}]}, headers={"Accept": "image/png"})
        assert response.status_code == 406


class TestJobs:
    def test_that_are_not_there(self, api):
        assert api.post(f"/v1/jobs/{UUID(int=0)}/predict", json={"rows": [1]}).status_code == 404

    def test_that_wait(self, api):
        job = api.post("/v1/jobs", json=iris_spec()).json()["id"]
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [1]})
        assert (response.status_code, response.json()["code"]) == (409, "no_model_yet")
        api.delete(f"/v1/jobs/{job}")

    def test_that_kept_no_preprocessing(self, api, trainer, installation):
        job = trainer.train(things_spec({"column": "price"}, "mse", 1))
        sessions = Sessions(installation.database)
        with sessions.begin() as session:
            session.delete(session.get_one(Artifact, (UUID(job), "preprocessing")))
        sessions.dispose()
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [{"size": 1}]})
        assert (response.status_code, response.json()["code"]) == (409, "no_preprocessing")

    def test_whose_dataset_is_gone(self, api, trainer, predict):
        trainer.upload("short-lived", b"a,b\n" + b"".join(b"%d,%d\n" % (n, 2 * n) for n in range(20)))
        spec = things_spec({"column": "b"}, "mse", 1, features=[{"columns": ["a"]}])
        spec["data"]["dataset"] = "short-lived"
        job = trainer.train(spec)
        [dataset] = api.get("/v1/datasets", params={"name": "short-lived"}).json()["items"]
        assert api.delete(f"/v1/datasets/{dataset['id']}").status_code == 204
        assert len(predict(job, [{"a": 3}])["predictions"]) == 1

    def test_whose_model_was_changed_on_the_disk(self, api, trainer, installation):
        job = trainer.train(things_spec({"column": "price"}, "mse", 1))
        digest = api.get(f"/v1/jobs/{job}/model").headers["ETag"].strip('"')
        path = installation.data_dir / "sha256" / digest[:2] / digest
        path.write_bytes(path.read_bytes() + b"\0")
        response = api.post(f"/v1/jobs/{job}/predict", json={"rows": [{"size": 1}]})
        assert (response.status_code, response.json()["code"]) == (409, "model_damaged")


HOSTILE = {
    "nothing": b"",
    "no JSON": b"{",
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
def test_a_hostile_body_is_a_problem(kinds, refusal, body):
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
def test_no_document_breaks_it(api, prices, body):
    content = json.dumps(body).encode()
    response = api.post(f"/v1/jobs/{prices}/predict", content=content, headers={"Content-Type": JSON})
    assert response.status_code in {200, 422}, response.text
    assert response.json()


@given(content=st.binary(max_size=60) | st.text(alphabet='size,colrag\n"0.1\r', max_size=60).map(str.encode))
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_no_file_breaks_it(api, kinds, content):
    response = api.post(f"/v1/jobs/{kinds}/predict", content=content, headers={"Content-Type": CSV})
    assert response.status_code in {200, 422}, response.text
