"""The check and the import of specs over HTTP."""

import json

import pytest

from tests.factories import iris_spec
from tests.spec.keras_documents import (
    COMPILE_CONFIG,
    MODEL,
    build_dense,
    build_input_layer,
    build_layer,
    build_sequential,
)

JSON = {"Content-Type": "application/json"}


def test_an_imported_keras_model_passes_the_check(client):
    layers = [
        build_input_layer(),
        build_dense(units=8, activation="relu"),
        build_dense("dense_1", activation="softmax"),
    ]
    response = client.post("/v1/specs/import", json=build_sequential(*layers, compiled=COMPILE_CONFIG))

    assert response.status_code == 200
    answer = response.json()
    assert answer["input_shape"] == [4]
    assert answer["left_out"] == []
    spec = iris_spec(network=answer["network"], training=answer["training"] | {"metrics": ["accuracy"]})
    report = client.post("/v1/specs/check", json=spec)
    assert report.status_code == 200, report.text
    assert report.json()["totals"]["parameters"] == 4 * 8 + 8 + 8 * 3 + 3


def test_the_report_names_the_version_of_the_dataset(client):
    for rows in (20, 30):
        body = "a,b\n" + "1.5,2.5\n" * rows
        client.post("/v1/datasets?name=mine", content=body, headers={"Content-Type": "text/csv"})
    spec = iris_spec(data={"dataset": "mine", "target": {"column": "b"}}, training={"loss": "mse", "metrics": []})
    spec["network"] = {"layers": [{"type": "Dense", "units": 1}]}
    report = client.post("/v1/specs/check", json=spec).json()
    assert (report["dataset"]["name"], report["dataset"]["version"]) == ("mine", 2)
    assert client.get(f"/v1/datasets/{report['dataset']['id']}").json()["version"] == 2
    assert report["rows"] == {"total": 30, "train": 30, "validation": 0, "test": 0}
    assert report["test_dataset"] is None
    assert report["flops"] == {"row": 3, "epoch": 3 * 3 * 30}
    assert report["spec"]["training"]["batch_size"] == 32


def test_a_model_that_cannot_be_expressed_is_refused_with_pointers(client):
    response = client.post(
        "/v1/specs/import", json=build_sequential(build_input_layer(), build_dense(units=0), build_layer("Lambda"))
    )

    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/config/layers/1/config/units", "/config/layers/2/class_name"}


HOSTILE = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "an empty object": b"{}",
    "duplicate keys": json.dumps(MODEL).replace('"units": 8', '"units": 8, "units": 9').encode(),
    "NaN": json.dumps(MODEL).replace('"rate": 0.5', '"rate": NaN').encode(),
    "a lone surrogate": json.dumps(MODEL).replace('"name": "dense"', '"name": "\\ud800"').encode(),
    "a deep object": b'{"config":' * 10_000 + b"1" + b"}" * 10_000,
    "hundreds of unknown layers": json.dumps(build_sequential(*[build_layer("Nope")] * 900)).encode(),
    "a pickled function": json.dumps(
        build_sequential(build_layer("Lambda", function={"value": ["4wEAAAAAAAAA"]}))
    ).encode(),
    "a class of another module": json.dumps(
        build_sequential(build_dense() | {"module": "os", "class_name": "system"})
    ).encode(),
    "a spec": json.dumps(iris_spec()).encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_malicious_model_is_refused(client, body):
    response = client.post("/v1/specs/import", content=body, headers=JSON)

    assert response.status_code == 422, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert all({"pointer", "message"} <= error.keys() for error in response.json()["errors"])


def test_a_model_of_another_media_type_is_refused(client):
    response = client.post("/v1/specs/import", content=json.dumps(MODEL), headers={"Content-Type": "text/plain"})
    assert response.status_code == 415
