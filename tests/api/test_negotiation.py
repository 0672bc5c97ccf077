"""The choice of a media type by the Accept header."""

import pytest
from starlette.exceptions import HTTPException

from api.http.content_negotiation import choose_media_type

AVAILABLE = ("application/json", "text/csv")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("text/csv;q=0.5, */*", "application/json"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
    ],
)
def test_the_preferred_media_type_is_chosen(accept, media_type):
    assert choose_media_type(accept, AVAILABLE) == media_type


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=x", ";;;"])
def test_an_accept_header_without_an_available_type_is_refused(accept):
    with pytest.raises(HTTPException) as caught:
        choose_media_type(accept, AVAILABLE)
    assert caught.value.status_code == 406
