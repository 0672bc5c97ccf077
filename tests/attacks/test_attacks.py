"""The attacks on a server, with both databases: it holds, and answers others in time."""

import pytest

from tests.attacks.target import start_target
from tests.attacks.verdict import carry_out, find_attacks

pytestmark = [pytest.mark.exhaustive, pytest.mark.xdist_group("attacks")]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def attacked(request):
    with start_target(request.param, None) as target:
        yield target


@pytest.mark.parametrize("attack", find_attacks([]), ids=lambda attack: attack.__name__.rpartition(".")[2])
def test_the_server_holds_and_answers_others(attacked, attack):
    verdict = carry_out(attack, attacked)
    assert verdict.is_passed, verdict
