"""Previews and statistics of datasets over HTTP, with the real processes that read files."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import update

from models import Dataset
from service.db.database import SessionFactory

CSV = "text/csv"


@pytest.fixture
def upload(client):
    def upload(content, media_type=CSV, name="mine", **options):
        headers = {"Content-Type": media_type}
        response = client.post("/v1/datasets", params={"name": name} | options, content=content, headers=headers)
        assert response.status_code in {200, 201}, response.text
        return response.json()

    return upload


@pytest.fixture
def get(client):
    def get(path, **query):
        response = client.get(f"/v1/datasets/{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    return get


def build_frame(rows):
    return pd.DataFrame(
        {
            "zip": [f"0{number}" for number in range(rows - 1)] + ["x"],
            "size": [None if number % 3 == 1 else number for number in range(rows)],
            "price": np.arange(rows) / 8,
            "sold": np.arange(rows) % 2 == 0,
        }
    )


def test_the_first_rows_of_a_csv_file_have_the_types_of_the_whole_file(upload, get):
    """The zip codes could be numbers in the first rows, and are text in the file."""
    frame = build_frame(150)
    content = ("\n".join([";".join([*frame.columns, "day"])]) + "\n").encode()
    content += frame.assign(day="2024-05-31").to_csv(index=False, header=False, sep=";", decimal=",").encode()
    dataset = upload(content, delimiter=";", decimal=",", dates="day")
    preview = get(f"{dataset['id']}/preview", rows=3)
    assert preview == {
        "kind": "table",
        "columns": ["zip", "size", "price", "sold", "day"],
        "rows": [
            ["00", 0, 0.0, True, "2024-05-31"],
            ["01", None, 0.125, False, "2024-05-31"],
            ["02", 2, 0.25, True, "2024-05-31"],
        ],
        "total_rows": 150,
        "columns_left_out": 0,
    }
    assert len(get("mine/preview")["rows"]) == 20
    assert len(get("mine/preview", rows=100)["rows"]) == 100


def test_a_built_in_dataset_has_a_preview_and_statistics(get):
    preview = get("builtin:iris/preview", rows=1)
    assert (preview["rows"], preview["total_rows"]) == ([[5.1, 3.5, 1.4, 0.2, 0]], 150)
    target = get("builtin:iris/statistics")["columns"][-1]
    assert target["most_frequent"] == [{"value": value, "count": 50} for value in range(3)]


@pytest.mark.parametrize("rows", [0, 101, "many"])
def test_an_invalid_number_of_rows_is_refused(client, rows):
    response = client.get("/v1/datasets/builtin:iris/preview", params={"rows": rows})
    assert response.status_code == 422
    assert "rows" in response.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("route", ["preview", "statistics"])
def test_an_unknown_dataset_is_not_found(client, route):
    response = client.get(f"/v1/datasets/none/{route}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_damaged_file_is_reported_without_its_path(client, upload, settings):
    dataset = upload(b"a,b\n1,2\n")
    [path] = settings.data_dir.rglob(dataset["sha256"])
    path.chmod(0o600)
    path.write_bytes(b"a,b\n1,3\n")
    response = client.get("/v1/datasets/mine/preview")
    assert response.status_code in {500, 503, 507}
    assert "upload it again" in response.json()["detail"]
    assert str(settings.data_dir) not in response.text


def test_statistics_of_an_earlier_release_come_with_the_same_file_again(upload, get, settings):
    content = b"a,b\n1,x\n2,y\n4,y\n"
    dataset = upload(content)
    computed = get("mine/statistics")
    assert [column["count"] for column in computed["columns"]] == [3, 3]
    assert computed["columns"][1]["most_frequent"] == [{"value": "y", "count": 2}, {"value": "x", "count": 1}]
    sessions = SessionFactory(settings.resolved_database_url)
    with sessions.begin() as session:
        session.execute(update(Dataset).values(statistics=None))
    sessions.dispose()
    missing = get("mine/statistics")
    assert (missing["columns"], missing["arrays"]) == (None, None)
    assert "Upload the same file" in missing["message"]
    assert upload(content)["id"] == dataset["id"]
    assert get("mine/statistics") == computed
