"""When tokens were last used."""

from datetime import datetime, timedelta

from tests.factories import build_token_headers


def read_last_uses(client):
    return {token["name"]: token["last_used_at"] for token in client.get("/v1/tokens").json()["items"]}


def test_the_last_use_of_a_token_is_recorded(either_team):
    ada = either_team.act_as("ada")
    ada.post("/v1/tokens", json={"name": "unused"}).raise_for_status()
    before = datetime.fromisoformat(read_clock(either_team))
    either_team.client.app.state.stackyard.token_uses.write()
    uses = read_last_uses(ada)
    assert uses["unused"] is None
    assert abs(datetime.fromisoformat(uses["first token"]) - before) < timedelta(seconds=30)
    either_team.client.app.state.stackyard.token_uses.write()
    assert read_last_uses(ada)["first token"] > uses["first token"]


def test_a_session_is_used_apart_from_the_token_that_started_it(team):
    browser, origin = team.client, {"Origin": "http://127.0.0.1"}
    browser.post("/v1/session", json={"token": team.tokens["ada"]}, headers=origin).raise_for_status()
    browser.get("/v1/jobs").raise_for_status()
    team.client.app.state.stackyard.token_uses.write()
    uses = read_last_uses(browser)
    assert uses["browser, by first token"] is not None
    assert uses["first token"] is None


def test_a_refused_token_is_not_used(team):
    ada = team.act_as("ada")
    token = ada.post("/v1/tokens", json={"name": "revoked"}).json()
    ada.delete(f"/v1/tokens/{token['id']}").raise_for_status()
    headers = build_token_headers(token["token"])
    assert team.client.get("/v1/jobs", headers=headers).status_code == 401
    team.client.app.state.stackyard.token_uses.write()
    assert read_last_uses(ada)["revoked"] is None


def read_clock(team):
    return team.act_as("ada").get("/v1/users/ada").json()["created_at"]
