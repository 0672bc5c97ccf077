"""Sorting, searching and counting jobs over HTTP."""

from itertools import combinations

import pytest


def test_a_list_is_sorted_and_its_cursor_belongs_to_its_order(client, submit):
    names = ["b", "a", "c"]
    for name in names:
        submit(name=name)
    parameters = {"sort": "name", "order": "asc", "limit": 1}
    page = client.get("/v1/jobs", params=parameters).json()
    rest = client.get("/v1/jobs", params=parameters | {"cursor": page["next"], "limit": 5}).json()
    assert [job["name"] for job in page["items"] + rest["items"]] == sorted(names)
    for other in (
        {"order": "desc"},
        {"sort": "priority"},
        {"sort": "created_at"},
        {"sort": "created_at", "order": "desc"},
    ):
        response = client.get("/v1/jobs", params=parameters | other | {"cursor": page["next"]})
        assert response.status_code == 422, other
        assert response.json()["errors"][0]["pointer"] == "/cursor"
    newest = client.get("/v1/jobs", params={"limit": 1}).json()
    assert client.get("/v1/jobs", params=parameters | {"cursor": newest["next"]}).status_code == 422


@pytest.mark.parametrize("sort", ["spec", "metrics.loss", "metrics..best", "name desc", "metrics.a\nb.best", ""])
def test_an_unknown_order_is_refused(client, sort):
    response = client.get("/v1/jobs", params={"sort": sort})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/query/sort"


def test_search_and_counts_use_the_same_filters(client, submit):
    first, second = submit(name="Wide network"), submit(tags=["night"])
    client.post(f"/v1/jobs/{first['id']}/cancel")
    assert [job["id"] for job in client.get("/v1/jobs?q=wide").json()["items"]] == [first["id"]]
    assert [job["id"] for job in client.get("/v1/jobs?q=NIGH").json()["items"]] == [second["id"]]
    counts = client.get("/v1/jobs/counts").json()
    assert counts == dict.fromkeys(counts, 0) | {"queued": 1, "cancelled": 1}
    assert client.get("/v1/jobs/counts?q=wide").json() == dict.fromkeys(counts, 0) | {"cancelled": 1}


FILTERS = {
    "text": {"q": "night"},
    "states": {"state": ["queued", "cancelled"]},
    "tags": {"tag": ["night", "other"]},
    "name": {"name": "wanted"},
    "dataset": {"dataset": "builtin:iris"},
    "time": {"created_after": "2020-01-01T00:00:00Z", "created_before": "2100-01-01T00:00:00Z"},
    "sort": {"sort": "name"},
}


@pytest.mark.parametrize("names", list(combinations(FILTERS, 2)), ids="-".join)
def test_filters_combine(client, submit, names):
    wanted = submit(name="wanted", tags=["night", "other"])
    submit(name="unwanted", tags=["day"])
    parameters = FILTERS[names[0]] | FILTERS[names[1]]
    ids = [job["id"] for job in client.get("/v1/jobs", params=parameters).json()["items"]]
    assert wanted["id"] in ids
    assert len(ids) == (1 if {"text", "tags", "name"} & set(names) else 2)


def test_a_list_has_sparklines_only_on_request(client, submit):
    submit()
    assert client.get("/v1/jobs").json()["items"][0]["sparkline"] is None
    assert client.get("/v1/jobs?sparkline=loss").json()["items"][0]["sparkline"] == []
