"""The generated pages are up to date, and show everything that they should."""

import re

import pytest
from pydantic import TypeAdapter
from typer.main import get_command

from docs.generators.__main__ import DOCS
from docs.generators.error_page import collect_codes
from docs.generators.pages import list_stale_pages
from docs.generators.settings_page import list_undocumented_settings
from docs.generators.spec_intro import EXAMPLES
from docs.generators.spec_page import TAGS
from service.settings import Settings
from stackyard.cli import app
from stackyard.spec import JobSpec, layers
from stackyard.spec.data import data
from stackyard.spec.network import initializers
from stackyard.spec.training import class_weight, losses, metrics, schedules, training

TYPES = {
    "ArrayData": data.ArrayData,
    "ClassWeight": class_weight.ClassWeight,
    "Initializer": initializers.Initializer,
    "Layer": list[layers.Layer],
    "Loss": losses.Loss,
    "Metric": metrics.Metric,
    "Schedule": schedules.Schedule,
    "TableData": data.TableData,
    "Training": training.Training,
}
"""The types that the examples of the page on the spec language belong to."""


def read_page(name):
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def test_every_generated_page_is_up_to_date():
    assert list_stale_pages(DOCS) == [], "run `make docs`"


def test_every_part_of_the_spec_language_is_on_its_page():
    page = read_page("spec.md")
    schema = JobSpec.model_json_schema()["$defs"]
    parts = [part for part in schema.values() if "properties" in part]
    tags = [
        next((part["properties"][by]["default"] for by in TAGS if by in part["properties"]), part["title"])
        for part in parts
    ]
    assert len(tags) > 150
    assert [tag for tag in tags if f"# {tag}\n" not in page and f"| `{tag}` |" not in page] == []


def test_every_heading_of_the_spec_language_is_unique():
    headings = re.findall(r"^#+ (.+)$", read_page("spec.md"), re.MULTILINE)
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_the_spec_language_is_of_its_type(name):
    assert TypeAdapter(TYPES[name]).validate_python(EXAMPLES[name])


def test_every_setting_has_a_row_and_a_meaning():
    page = read_page("settings.md")
    names = [name for name in Settings.model_fields if name != "limits"]
    assert [name for name in names if f"| `STACKYARD_{name.upper()}` |" not in page] == []
    assert "`STACKYARD_LIMITS__MAX_LAYERS`" in page
    assert list_undocumented_settings() == []


def test_every_route_has_a_section(client):
    page = read_page("http-api.md")
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            assert f"### `{method.upper()} {path}`\n" in page


def test_every_command_has_a_section():
    page = read_page("cli.md")
    assert [name for name in list_commands(get_command(app)) if f"## stackyard {name}\n" not in page] == []


def list_commands(group, prefix=""):
    """Return the names of all commands, with the name of their group before those in a group."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from list_commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_error_codes_are_those_of_the_code():
    codes = {name: code.status for name, code in collect_codes().items()}
    assert len(codes) > 30
    expected = {"not_found": 404, "invalid": 422, "too_large": 413, "unauthorized": 401, "not_acceptable": 406}
    expected |= {"no_model": 409, "no_model_yet": 409, "model_damaged": 409, "idempotency_key_reused": 409}
    expected |= {"storage_full": 507, "storage_unavailable": 503, "database_unavailable": 503, "charts_busy": 503}
    assert expected.items() <= codes.items()
    assert all(re.fullmatch(r"[a-z_]+", name) for name in codes)
