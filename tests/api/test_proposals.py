"""Proposals of a first spec: each passes the check, and trains better than its baseline."""

import io

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.example_specs import EXAMPLES
from tests.in_process_trainer import Trainer, create_installation

BUILTINS = {
    "builtin:iris": ("classification", 1 / 3),
    "builtin:digits": ("classification", None),
    "builtin:wine": ("classification", None),
    "builtin:diabetes": ("regression", 1.0),
    "builtin:breast_cancer": ("classification", 357 / 569),
}
"""The task of each built-in dataset, and the score of the best constant prediction where the description tells it."""


@pytest.fixture
def upload(client):
    def upload(content, name="mine", media_type="text/csv"):
        headers = {"Content-Type": media_type}
        response = client.post("/v1/datasets", params={"name": name}, content=content, headers=headers)
        assert response.status_code == 201, response.text
        return response.json()

    return upload


@pytest.fixture
def propose(client):
    """Get a proposal, and see that its spec passes the check without a warning."""

    def propose(dataset, target, **query):
        response = client.get(f"/v1/datasets/{dataset}/proposal", params={"target": target, **query})
        assert response.status_code == 200, response.text
        proposal = response.json()
        report = client.post("/v1/specs/check", json=proposal["spec"])
        assert report.status_code == 200, report.text
        assert report.json()["warnings"] == []
        assert proposal["baseline"]["metric"] in report.json()["metrics"]
        return proposal

    return propose


def to_csv(**columns):
    return pd.DataFrame(columns).to_csv(index=False).encode()


def to_npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("dataset", BUILTINS)
def test_each_built_in_dataset_has_a_proposal(propose, dataset):
    proposal = propose(dataset, "target")
    task, baseline = BUILTINS[dataset]
    assert proposal["task"] == task
    assert proposal["baseline"]["value"] == (None if baseline is None else pytest.approx(baseline))
    assert proposal["spec"]["data"]["dataset"] == dataset
    assert set(proposal["spec"]["data"]["split"]) == {"test", "validation"}
    assert proposal["spec"]["training"]["callbacks"][0]["type"] == "EarlyStopping"


def test_the_example_wine_has_proposals_for_every_column(propose, upload):
    upload((EXAMPLES / "wine.csv").read_bytes(), "wine")
    assert propose("wine", "cultivar")["task"] == "classification"
    for target in ("alcohol", "proline"):
        proposal = propose("wine", target)
        assert (proposal["task"], proposal["baseline"]["value"]) == ("regression", 1.0)


def test_columns_get_the_transform_that_fits_them(propose, upload):
    rows = 60
    size = np.arange(rows) * 1.5
    upload(
        to_csv(
            customer_id=np.arange(rows) * 7,
            counter=range(rows),
            name=[f"n{i}" for i in range(rows)],
            size=size,
            age=np.where(np.arange(rows) % 5, size, np.nan),
            color=["red", "green", "blue"] * 20,
            shape=["round", "square", ""] * 20,
            wet=[True, False] * 30,
            planet=["earth"] * rows,
            kind=[1, 2, 3] * 20,
        )
    )
    proposal = propose("mine", "kind")
    assert proposal["spec"]["data"]["features"] == [
        {"columns": ["size"], "transform": "standard"},
        {"columns": ["age"], "transform": "standard", "impute": {"strategy": "median"}},
        {"columns": ["color"], "transform": "one_hot"},
        {"columns": ["shape"], "transform": "one_hot", "impute": {"strategy": "most_frequent"}},
        {"columns": ["wet"], "transform": "none"},
    ]
    assert proposal["spec"]["data"]["target"] == {"column": "kind", "encode": "one_hot"}
    assert proposal["baseline"]["value"] == pytest.approx(1 / 3)
    notes = " ".join(proposal["notes"])
    assert all(name in notes for name in ("customer_id", "counter", "name", "planet"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("rows", [1, 2, 9, 10, 11, 23, 40])
@pytest.mark.parametrize("kind", ["text", "booleans", "numbers", "with gaps"])
def test_small_tables_have_a_valid_proposal(propose, upload, rows, kind):
    values = {
        "text": [f"class {i % 2}" for i in range(rows)],
        "booleans": [i % 3 == 0 for i in range(rows)],
        "numbers": [i * 1.25 for i in range(rows)],
        "with gaps": [i * 1.25 if i % 4 else None for i in range(rows)],
    }[kind]
    if len(set(values) - {None}) < 2:
        pytest.skip("a single value is no target")
    upload(
        to_csv(size=[i * 0.5 for i in range(rows)], mark=["a", "b", None] * (rows // 3) + ["a"] * (rows % 3), y=values)
    )
    propose("mine", "y")


def test_a_class_of_a_single_row_is_not_stratified(client, upload):
    upload(to_csv(size=np.arange(50.0), y=["rare"] + ["common"] * 49))
    proposal = client.get("/v1/datasets/mine/proposal", params={"target": "y"}).json()
    assert "stratify" not in proposal["spec"]["data"]["split"]["test"]
    report = client.post("/v1/specs/check", json=proposal["spec"])
    assert [warning["code"] for warning in report.json()["warnings"]] == ["class_of_one_row"]
    assert proposal["baseline"]["value"] == pytest.approx(49 / 50)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("arrays", "task", "layer"),
    [
        ({"x": np.ones((40, 12, 12), "uint8") * 255, "y": np.arange(40) % 4}, "classification", "Conv2D"),
        ({"x": np.ones((40, 12, 12, 3), "float32"), "y": np.arange(40) % 4 + 1}, "classification", "Conv2D"),
        ({"x": np.ones((40, 5)), "y": np.linspace(0, 1, 40)}, "regression", "Dense"),
        ({"x": np.ones((40, 5, 2)), "y": np.linspace(0, 1, 80).reshape(40, 2)}, "regression", "Flatten"),
    ],
    ids=["gray images", "color images", "rows", "sequences"],
)
def test_arrays_have_a_proposal(propose, upload, arrays, task, layer):
    upload(to_npz(**arrays, other=np.ones(3)), media_type="application/x-npz")
    proposal = propose("mine", "y")
    assert proposal["task"] == task
    assert proposal["spec"]["data"]["x"] == "x"
    layers = proposal["spec"]["network"]["layers"]
    assert layer in {item if isinstance(item, str) else item["type"] for item in layers}


def test_arrays_named_as_test_set_become_the_test_set(propose, upload):
    x, y = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % 2
    upload(to_npz(x_train=x, y_train=y, x_test=x[:10], y_test=y[:10]), media_type="application/x-npz")
    spec = propose("mine", "y_train")["spec"]
    assert spec["data"]["test"] == {"x": "x_test", "y": "y_test"}
    assert set(spec["data"]["split"]) == {"validation"}


def test_an_id_of_an_older_version_stays_in_the_spec(propose, upload):
    older = upload(to_csv(size=np.arange(30.0), y=["a", "b"] * 15))
    newer = upload(to_csv(size=np.arange(40.0), y=["a", "b"] * 20))
    assert propose(older["id"], "y")["spec"]["data"]["dataset"] == older["id"]
    assert propose(newer["id"], "y")["spec"]["data"]["dataset"] == "mine"


def test_a_task_that_does_not_fit_is_refused(client, upload, propose):
    upload(to_csv(size=np.arange(30.0) + 0.5, count=range(30), y=["a", "b"] * 15, one=["x"] * 30))
    assert propose("mine", "size", task="regression")["task"] == "regression"
    for target, task in [
        ("y", "regression"),
        ("size", "classification"),
        ("one", None),
        ("nope", None),
        ("sise", None),
    ]:
        query = {"target": target} if task is None else {"target": target, "task": task}
        response = client.get("/v1/datasets/mine/proposal", params=query)
        assert response.status_code == 422, (target, response.text)
        (fault,) = response.json()["errors"]
        assert fault["pointer"] == "/target"
    assert fault["fix"] == 'did you mean "size"?'


@pytest.mark.parametrize("reference", ["unknown", "builtin:unknown", "0190aaaa-0000-7000-8000-000000000000", "a%00b"])
def test_an_unknown_dataset_is_not_found(client, reference):
    response = client.get(f"/v1/datasets/{reference}/proposal", params={"target": "y"})
    assert response.status_code == 404, response.text


@pytest.mark.exhaustive
@pytest.mark.parametrize("dataset", BUILTINS)
def test_a_trained_proposal_beats_its_baseline(tmp_path, sqlite_template, broker_url, make_client, dataset):
    settings = create_installation(tmp_path, sqlite_template, broker_url)
    client: TestClient = make_client(settings)
    proposal = client.get(f"/v1/datasets/{dataset}/proposal", params={"target": "target"}).json()
    job = client.get(f"/v1/jobs/{Trainer(client, settings).train(proposal['spec'])}").json()
    metric = proposal["baseline"]["metric"]
    assert job["evaluation"]["on"] == "test"
    score = job["evaluation"]["metrics"][metric]
    if metric == "accuracy":
        assert score > (proposal["baseline"]["value"] or 0.5) + 0.1
    else:
        assert score < 0.8 * proposal["baseline"]["value"]
