"""The page on the spec language says what the types say: no more, no less."""

import re

import pytest
from pydantic import TypeAdapter

from docs.generate import PAGE, TAGS, spec_page
from docs.passages import EXAMPLES
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
"""What the page's examples are examples of."""


def test_the_page_is_what_the_types_say():
    assert PAGE.read_text(encoding="utf-8") == spec_page(), "docs/spec.md is out of date: run `make docs`"


def test_every_part_of_the_language_is_on_the_page():
    page = spec_page()
    schema = JobSpec.model_json_schema()["$defs"]
    parts = [part for part in schema.values() if "properties" in part]
    tags = [
        next((part["properties"][by]["default"] for by in TAGS if by in part["properties"]), part["title"])
        for part in parts
    ]
    assert len(tags) > 150
    assert [tag for tag in tags if f"# {tag}\n" not in page and f"| `{tag}` |" not in page] == []


def test_every_link_leads_somewhere():
    page = spec_page()
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]+)\)", page)
    assert len(links) > 100
    assert set(links) - anchors == set()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_of_its_type(name):
    assert TypeAdapter(TYPES[name]).validate_python(EXAMPLES[name])
