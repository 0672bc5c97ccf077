"""Malicious and malformed requests: each gets a problem document, and none changes anything."""

import io
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis import GenerationMode, checks

from service.datasets.dataset_source import UPLOAD_MEDIA_TYPES
from service.settings import Settings
from tests.factories import iris_spec
from tests.spec.keras_documents import build_dense, build_input_layer, build_sequential

JSON = {"Content-Type": "application/json"}


def replace_in_spec(old, new):
    return json.dumps(iris_spec()).replace(old, new).encode()


BODIES = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "duplicate keys": replace_in_spec('"seed": 0}', '"seed": 0, "seed": 1}'),
    "NaN": replace_in_spec('"rate": 0.1', '"rate": NaN'),
    "infinity": replace_in_spec('"rate": 0.1', '"rate": -Infinity'),
    "a huge exponent": replace_in_spec('"rate": 0.1', '"rate": 1e999'),
    "a lone surrogate": replace_in_spec('"name": "iris"', '"name": "\\ud800"'),
    "a NUL": replace_in_spec('"name": "iris"', '"name": "a\\u0000b"'),
    "invalid UTF-8": replace_in_spec('"name": "iris"', '"name": "X"').replace(b"X", b"\xff\xfe"),
    "a deep list": b"[" * 100_000 + b"]" * 100_000,
    "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an integer of 5,000 digits": replace_in_spec('"epochs": 3', '"epochs": ' + "9" * 5000),
    "a negative integer of 5,000 digits": replace_in_spec('"epochs": 3', '"epochs": -' + "9" * 5000),
    "a billion epochs": replace_in_spec('"epochs": 3', '"epochs": 1000000000'),
    "a billion units": replace_in_spec('"units": 8', '"units": 1000000000'),
    "an unknown member": replace_in_spec('"name": "iris"', '"lambda": "import os"'),
    "an unknown layer": replace_in_spec('"type": "Dropout"', '"type": "Lambda"'),
    "a path for a dataset": replace_in_spec('"builtin:iris"', '"../../../etc/passwd"'),
}


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/specs/check"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_malicious_body_is_refused_and_submits_nothing(client, path, body):
    response = client.post(path, content=body, headers=JSON)
    assert 400 <= response.status_code < 500, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["errors"]
    assert all({"pointer", "message"} <= error.keys() for error in document["errors"])
    assert client.get("/v1/jobs").json()["items"] == []


def test_a_malicious_spec_in_a_sweep_is_refused(client):
    for name, body in BODIES.items():
        response = client.post("/v1/sweeps/check", content=b'{"specs": [' + body + b"]}", headers=JSON)
        assert response.status_code == 422, (name, response.text)
        assert all({"pointer", "message"} <= error.keys() for error in response.json()["errors"])


def test_a_body_over_the_limit_is_refused_before_it_is_read(client):
    def body():
        yield b"{"
        raise AssertionError("the body was read")

    headers = JSON | {"Content-Length": str(2**40)}
    response = client.post("/v1/jobs", content=body(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_body_without_a_content_length_is_refused_at_the_limit(client):
    response = client.post("/v1/jobs", content=(b" " * 2**16 for _ in range(64)), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_media_type_is_refused(client, media_type):
    response = client.post("/v1/jobs", content=json.dumps(iris_spec()), headers={"Content-Type": media_type})
    assert response.status_code == 415


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=x", "limit=201", "limit=1e1", "limit=" + "9" * 5000),
        *("cursor=!", "cursor=AAAA", "cursor=" + "A" * 21 + "B", "state=lost", "tag=%00"),
        *("created_after=x", "created_after=nan", "created_after=99999999999999999"),
        *("created_before=9999-12-31T23:59:59-01:00", "created_after=0001-01-01T00:00:00%2B01:00"),
        *("tag=a&" * 51, "state=queued&" * 51, "tag=a&" * 900),
    ],
)
def test_an_invalid_query_parameter_is_named(client, query):
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert query.partition("=")[0] in response.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("time", ["2020-01-01", "2020-01-01T00:00:00", "2020-01-01T01:00:00%2B01:00", "0001-01-01"])
def test_a_date_is_its_midnight_in_utc(client, submit, time):
    job_id = submit()["id"]
    assert [job["id"] for job in client.get(f"/v1/jobs?created_after={time}").json()["items"]] == [job_id]
    assert client.get(f"/v1/jobs?created_before={time}").json()["items"] == []


def test_fifty_tags_are_a_filter(client, submit):
    submit(tags=["a"])
    assert len(client.get("/v1/jobs?" + "tag=a&" * 50).json()["items"]) == 1
    assert client.get("/v1/jobs?" + "&".join(f"tag=a{index}" for index in range(50))).json()["items"] == []


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x01b"])
def test_an_invalid_idempotency_key_is_refused(client, key):
    response = client.post("/v1/jobs", json=iris_spec(), headers={"Idempotency-Key": key})
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/jobs", 405),
        ("GET", "/v1/jobs/not-an-id", 422),
        ("GET", "/v1/jobs/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/v1/jobs/%00", 422),
        ("POST", "/v1/jobs/00000000-0000-0000-0000-000000000000/cancel", 404),
    ],
)
def test_every_refusal_is_a_problem_document(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"


def test_an_accept_header_without_an_available_type_is_refused(client):
    job = client.post("/v1/jobs", json=iris_spec()).json()["id"]
    assert client.get(f"/v1/jobs/{job}/history", headers={"Accept": "image/png"}).status_code == 406


class TestToken:
    @pytest.fixture
    def client_with_token(self, settings, make_client):
        return make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))

    @pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer s3cret2", "s3cret", "Basic s3cret", "Bearer é"])
    def test_a_request_without_the_token_is_refused(self, client_with_token, header):
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        for path in ("/v1/jobs", "/docs", "/openapi.json", "/readyz", "/nowhere"):
            response = client_with_token.get(path, headers=headers)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert response.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_a_request_with_the_token_is_answered(self, client_with_token, scheme):
        assert client_with_token.get("/v1/jobs", headers={"Authorization": f"{scheme} s3cret"}).status_code == 200

    def test_the_health_check_needs_no_token(self, client_with_token):
        assert client_with_token.get("/healthz").json() == {"status": "ok"}


def test_the_documentation_loads_nothing_from_other_servers(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert "//cdn" not in page.text


AUTHORIZATION = {"Authorization": "Bearer s3cret"}


def change_seed(document, seed):
    return document | {"training": document["training"] | {"seed": seed}}


SPECS = st.builds(change_seed, st.just(iris_spec()), st.integers(0, 2**32 - 1))
NETWORKS = st.integers(1, 99).map(lambda units: build_sequential(build_input_layer(), build_dense(units=units)))
ROWS = st.lists(st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)), min_size=2, max_size=9)


TEXT_TYPES = {"text/csv": (",", None), "text/tab-separated-values": ("\t", None), "application/gzip": (",", "gzip")}
"""The separator and the compression by the media type."""


def build_file(media_type, rows):
    """Return rows as a file of a media type."""
    frame, file = pd.DataFrame({"a": [float(a) for a, _ in rows], "b": [b for _, b in rows]}), io.BytesIO()
    if media_type == "application/vnd.apache.parquet":
        frame.to_parquet(file)
    elif media_type in TEXT_TYPES:
        separator, compression = TEXT_TYPES[media_type]
        frame.to_csv(file, index=False, sep=separator, compression=compression)
    else:
        np.savez(file, a=frame["a"].to_numpy(), b=frame["b"].to_numpy())
    return file.getvalue()


for media_type in {*UPLOAD_MEDIA_TYPES, *TEXT_TYPES}:  # a schema says only that a file has bytes
    schemathesis.openapi.media_type(media_type, ROWS.map(partial(build_file, media_type)))

MEANINGFUL_BODIES = {"POST /v1/jobs": SPECS, "POST /v1/specs/check": SPECS, "POST /v1/specs/import": NETWORKS}
"""Bodies of operations where a schema cannot say which are accepted: a network that fits its dataset, or the JSON of a
Keras model. Schemathesis generates all else of these requests."""

CONFORMANCE = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
RESTRICTED_OPERATIONS = {
    "GET /v1/datasets/{ref}/proposal",
    "GET /v1/jobs",
    "GET /v1/usage",
    "PATCH /v1/jobs/{job_id}",
    "POST /v1/datasets",
    "POST /v1/jobs/actions",
    "POST /v1/sweeps",
    "POST /v1/sweeps/check",
    "POST /v1/sweeps/{sweep_id}/trials",
}
"""Operations with rules that a schema cannot say: days in order, columns of a dataset, options of CSV files only. A
request that fits the schema may be refused, but as documented."""


@pytest.fixture
def operations(settings, make_client):
    """Each operation, by its method and path. The client has started the application, so its state exists.

    The calls are for a host that the API refuses without a token.
    """
    client = make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, headers=AUTHORIZATION)
    operations = {operation.label: operation for operation in (result.ok() for result in schema.get_all_operations())}
    assert len(operations) >= 15
    assert MEANINGFUL_BODIES.keys() | RESTRICTED_OPERATIONS <= operations.keys()
    return operations


@pytest.mark.exhaustive
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_request_is_answered_as_the_schema_says(operations, mode):
    """All checks of schemathesis hold: valid requests are accepted, and others are refused, as documented."""
    for label, operation in operations.items():
        cases = operation.as_strategy(generation_mode=mode)
        if mode is GenerationMode.POSITIVE and label in MEANINGFUL_BODIES:
            cases = cases.flatmap(lambda case, label=label: give_meaning(case, MEANINGFUL_BODIES[label]))
        subset = CONFORMANCE if mode is GenerationMode.POSITIVE and label in RESTRICTED_OPERATIONS else None
        try:
            call_all(cases, lambda case, subset=subset: case.call_and_validate(headers=AUTHORIZATION, checks=subset))
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, "an operation without parameters has no invalid call"


def give_meaning(case, bodies):
    def replace_body(body):
        case.body = body
        return case

    return bodies.map(replace_body)


@pytest.mark.exhaustive
@pytest.mark.parametrize("label", sorted(MEANINGFUL_BODIES))
def test_a_body_of_any_form_is_accepted_or_refused(operations, label):
    """A body that fits the schema alone may be refused, but with a document that the schema describes."""

    def call(case):
        response = case.call(headers=AUTHORIZATION)
        case.validate_response(response, checks=CONFORMANCE)

    call_all(operations[label].as_strategy(generation_mode=GenerationMode.POSITIVE), call)


def call_all(cases, call):
    @given(case=cases)
    @hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def call_case(case):
        call(case)

    call_case()


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STACKYARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("STACKYARD_LIMITS__MAX_EPOCHS", "7")
    settings = Settings()
    assert settings.limits.max_epochs == 7
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/stackyard.db"
