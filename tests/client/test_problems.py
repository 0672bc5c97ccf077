"""The errors that the client makes from problem documents."""

import pytest

from stackyard.client.errors import ProblemError
from stackyard.client.views import ProblemDocument


@pytest.mark.parametrize(("status", "is_named"), [(500, True), (503, True), (404, False)])
def test_a_failure_of_the_server_names_the_request(status, is_named):
    problem = ProblemDocument(status=status, title="Title", detail="Detail.", request_id="abc-1")
    assert ("abc-1" in str(ProblemError(problem))) == is_named
