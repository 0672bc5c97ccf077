"""Datasets over HTTP, with the real inspection of uploaded files."""

import gzip
import io
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from service.storage.artifact_store import ArtifactStore
from tests.factories import iris_spec

CSV = "text/csv"
TABLE = b"size,kind\n1,a\n2,b\n3,a\n"


@pytest.fixture
def upload(client):
    def upload(content=TABLE, name="table", media_type=CSV, options=None, **headers):
        headers = {"Content-Type": media_type} | headers
        return client.post("/v1/datasets", params={"name": name} | (options or {}), content=content, headers=headers)

    return upload


@pytest.fixture
def files(settings):
    """Return the files in the data directory's store."""
    return lambda: [path for path in settings.data_dir.rglob("*") if path.is_file() and _is_stored(path, settings)]


def _is_stored(path, settings):
    return bool({"sha256", "incoming"} & set(path.relative_to(settings.data_dir).parts))


def encode_npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_an_uploaded_table_is_described_and_can_be_read(client, upload):
    response = upload()
    assert response.status_code == 201, response.text
    dataset = response.json()
    assert response.headers["Location"] == f"/v1/datasets/{dataset['id']}"
    assert (dataset["name"], dataset["version"], dataset["media_type"], dataset["bytes"]) == (
        "table",
        1,
        CSV,
        len(TABLE),
    )
    size, kind = dataset["description"]["columns"]
    assert (size["type"], size["minimum"], size["maximum"]) == ("integer", 1, 3)
    assert (kind["type"], kind["categories"]) == ("text", ["a", "b"])
    assert client.get(response.headers["Location"]).json() == dataset


def test_parquet_and_npz_files_are_accepted(upload):
    parquet = io.BytesIO()
    pd.DataFrame({"x": [1.5, 2.5], "y": ["a", "b"]}).to_parquet(parquet)
    table = upload(parquet.getvalue(), media_type="application/vnd.apache.parquet").json()
    assert [column["type"] for column in table["description"]["columns"]] == ["float", "text"]
    arrays = upload(encode_npz(x=np.zeros((3, 2), "uint8")), media_type="application/x-npz").json()
    assert [array["shape"] for array in arrays["description"]["arrays"]] == [[3, 2]]


def test_identical_bytes_keep_the_version_and_other_bytes_make_the_next(upload):
    first, again, second = upload(), upload(), upload(TABLE + b"4,c\n")
    third = upload()
    assert [response.status_code for response in (first, again, second, third)] == [201, 200, 201, 201]
    assert again.json() == first.json()
    assert (second.json()["version"], third.json()["version"]) == (2, 3)
    assert third.json()["sha256"] == first.json()["sha256"]


def test_equal_bytes_in_another_format_are_a_new_version(upload):
    options = [{}, {"header": "false"}, {"header": "false"}, {"missing_values": ["a", "?"]}, {"delimiter": "tab"}]
    responses = [upload(options=option) for option in options]
    assert [response.status_code for response in responses] == [201, 201, 200, 201, 201]
    formats = [response.json()["description"]["csv"] for response in responses]
    assert [item["header"] for item in formats] == [True, False, False, True, True]
    assert formats[3]["missing_values"] == ["a", "?"]
    assert formats[4]["delimiter"] == "\t"
    assert responses[1].json()["description"]["columns"][0]["name"] == "column_1"


@pytest.mark.parametrize(
    ("content", "media_type", "delimiter", "compression"),
    [
        (b"a;b\n1,5;2\n", CSV, ";", None),
        (b"a\tb\n1\t2\n", "text/tab-separated-values", "\t", None),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "application/gzip", ",", "gzip"),
    ],
)
def test_the_format_of_a_csv_file_is_detected_and_shown(client, upload, content, media_type, delimiter, compression):
    dataset = upload(content, media_type=media_type).json()
    shown = client.get(f"/v1/datasets/{dataset['id']}").json()["description"]["csv"]
    assert (dataset["media_type"], shown["delimiter"], shown["compression"]) == (CSV, delimiter, compression)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"delimiter": "x"}, "delimiter"),
        ({"decimal": ";"}, "decimal"),
        ({"header": "perhaps"}, "header"),
        ({"missing_values": "a\0"}, "missing_values"),
        ({"missing_values": ""}, "missing_values"),
        ({"missing_values": ["x"] * 51}, "missing_values"),
        ({"dates": ["size", "size"]}, "dates"),
        ({"dates": "none"}, ""),
        ({"dates": "kind"}, ""),
    ],
)
def test_an_invalid_option_is_refused(upload, files, options, pointer):
    response = upload(options=options)
    assert response.status_code == 422, response.text
    assert pointer in response.json()["errors"][0]["pointer"]
    assert files() == []


def test_an_option_of_csv_is_refused_for_other_files(upload):
    response = upload(encode_npz(x=np.ones(2)), media_type="application/x-npz", options={"header": "false"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/header"


def test_concurrent_uploads_of_identical_bytes_make_one_version(upload):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: upload(), range(4)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_dataset_that_a_job_uses_cannot_be_deleted(client, upload):
    upload(b"x,y\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(20)))
    spec = iris_spec(data={"dataset": "table", "target": {"column": "y"}})
    spec["network"]["layers"][-1]["units"] = 2
    job = client.post("/v1/jobs", json=spec).json()
    path = f"/v1/datasets/{job['dataset']['id']}"
    refused = client.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_built_in_dataset_cannot_be_deleted(client):
    [iris] = client.get("/v1/datasets", params={"name": "builtin:iris"}).json()["items"]
    assert client.get(f"/v1/datasets/{iris['id']}").json()["description"]["rows"] == 150
    assert client.delete(f"/v1/datasets/{iris['id']}").json()["code"] == "builtin_dataset"


def test_pages_cover_the_list(client, upload):
    ids = [upload(TABLE + b"%d,a\n" % i).json()["id"] for i in range(3)]
    first = client.get("/v1/datasets", params={"limit": 2, "name": "table"}).json()
    rest = client.get("/v1/datasets", params={"limit": 2, "name": "table", "cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("text/csv; charset=utf-8", 201),
        ('Text/CSV; header=present; Charset="UTF-8"', 201),
        ("text/csv; charset=latin-1", 415),
        ("application/json", 415),
        ("", 415),
    ],
)
def test_the_media_type_decides_whether_a_file_is_accepted(upload, files, media_type, status):
    assert upload(media_type=media_type).status_code == status
    assert len(files()) == (status == 201)


@pytest.mark.parametrize(
    "name",
    ["", " x", "x ", "x" * 201, "a\nb", "a\x00b", "builtin:mine", "00000000-0000-0000-0000-000000000000"],
)
def test_an_invalid_name_is_refused_before_the_file_is_read(client, files, name):
    def body():
        raise AssertionError("the body was read")
        yield b""

    response = client.post(
        "/v1/datasets", params={"name": name}, content=body(), headers={"Content-Type": CSV, "Content-Length": "9"}
    )
    assert response.status_code == 422
    assert "name" in response.json()["errors"][0]["pointer"]
    assert files() == []


@pytest.mark.parametrize(
    ("content", "media_type", "message"),
    [
        (b"", CSV, "empty"),
        (b"a,b\n1,2\n3\n", CSV, "Line 3"),
        (b"a\n\xff\n", CSV, "Line 2"),
        (b"\x7fELF\x00\x01", CSV, "NUL"),
        ("a,b\n1,2\n".encode("utf-16"), CSV, "UTF-16"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], CSV, "gzip"),
        (b"PK\x03\x04 no zip", "application/x-npz", "NPZ"),
        (b"PAR1 no table PAR1", "application/vnd.apache.parquet", "Parquet"),
        (encode_npz(x=np.array([{}], object)), "application/x-npz", "Array 'x'"),
    ],
)
def test_an_unreadable_file_is_refused_and_not_kept(client, upload, files, content, media_type, message):
    response = upload(content, media_type=media_type)
    assert response.status_code == 422, response.text
    [error] = response.json()["errors"]
    assert error["pointer"] == ""
    assert message in error["message"]
    assert files() == []
    assert client.get("/v1/datasets", params={"name": "table"}).json()["items"] == []


class TestSizeLimit:
    @pytest.fixture
    def client(self, settings, make_client):
        return make_client(settings.model_copy(update={"max_dataset_bytes": 1000}))

    def test_a_file_with_too_large_a_content_length_is_not_read(self, client):
        def body():
            yield b"a\n"
            raise AssertionError("the body was read")

        headers = {"Content-Type": CSV, "Content-Length": "1001"}
        response = client.post("/v1/datasets", params={"name": "big"}, content=body(), headers=headers)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def test_a_file_that_exceeds_the_limit_is_refused_and_not_kept(self, upload, files):
        response = upload(itertools.repeat(b"1\n" * 100, 6))
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
        assert files() == []

    def test_a_file_that_decompresses_beyond_the_limit_is_refused(self, upload, files):
        response = upload(gzip.compress(b"a\n" + b"1\n" * 1000))
        assert (response.status_code, files()) == (422, [])
        assert "1,000 bytes when it is decompressed" in response.json()["errors"][0]["message"]

    def test_a_file_of_exactly_the_limit_is_accepted(self, upload):
        assert upload(b"a\n" + b"1\n" * 499).status_code == 201


def test_an_interrupted_upload_is_not_kept(settings, files):
    """The client disconnects in the middle of the body, which only a call of the ASGI application can simulate."""
    import asyncio  # noqa: PLC0415

    from api.app import create_app  # noqa: PLC0415

    messages = iter(
        [{"type": "http.request", "body": b"a\n1\n", "more_body": True}, {"type": "http.disconnect"}],
    )
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/datasets",
        "query_string": b"name=half",
        "headers": [(b"content-type", b"text/csv"), (b"host", b"127.0.0.1")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("test", 1),
    }
    ArtifactStore(settings.data_dir)
    asyncio.run(create_app(settings)(scope, receive, send))
    assert files() == []
    assert next(messages, None) is None
