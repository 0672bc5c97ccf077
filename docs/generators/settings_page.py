"""Builds the page that lists every setting, from the settings class."""

from collections.abc import Iterator
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, SecretStr

from docs.generators.docstrings import read_attribute_docstrings
from docs.generators.markdown import format_bytes, format_generated_note, format_table
from docs.generators.type_descriptions import describe_type
from service.settings import Settings

INTRODUCTION = """\
# Settings

{note}

Every setting is an environment variable. `stackyard serve`, `python -m migrations` and the containers of
`docker-compose.yml` read the same variables.

The secrets `STACKYARD_TOKEN`, `STACKYARD_DATABASE_PASSWORD` and `STACKYARD_BROKER_PASSWORD` may also come from files,
such as Docker's secrets. A variable with the suffix `_FILE` names the file: `STACKYARD_TOKEN_FILE=/run/secrets/token`.

Some libraries read variables of their own:

- `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION` give access to a bucket.
- `PGPASSWORD` is the password of PostgreSQL, where the URL has none.
- `CUDA_VISIBLE_DEVICES` chooses the GPUs of a worker.
- `STACKYARD_URL` tells the command line where the server is. It is no setting of the server."""

_UNITS = {"_s": "seconds", "_days": "days", "_bytes": "bytes", "_memory": "bytes", "_cache": "bytes", "_disk": "bytes"}
"""The unit of a number, by the end of its name."""


def build_settings_page() -> str:
    """Return the page."""
    note = format_generated_note("`service.settings.Settings`")
    header = ("variable", "takes", "unit", "default", "meaning")
    return f"{INTRODUCTION.format(note=note)}\n\n{format_table(header, _list_rows())}\n"


def list_undocumented_settings() -> list[str]:
    """Return the variables without a meaning."""
    return [row[0] for row in _list_rows() if not row[-1]]


def _list_rows() -> Iterator[tuple[str, ...]]:
    prefix = Settings.model_config.get("env_prefix") or ""
    delimiter = Settings.model_config.get("env_nested_delimiter") or "__"
    yield from _list_model_rows(Settings, prefix, delimiter)


def _list_model_rows(model: type[BaseModel], prefix: str, delimiter: str) -> Iterator[tuple[str, ...]]:
    docstrings = read_attribute_docstrings(model)
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from _list_model_rows(type(default), f"{variable}{delimiter}", delimiter)
            continue
        meaning = docstrings.get(name) or field.description or ""
        unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")
        yield (
            f"`{variable}`",
            _describe_setting(Annotated[hints[name], field]),
            unit,
            _format_default(default, unit),
            meaning,
        )


def _describe_setting(hint: Any) -> str:
    return describe_type(hint).removesuffix(", or null")


def _format_default(default: object, unit: str) -> str:
    match default:
        case None | "" | SecretStr():
            return "not set"
        case int() if unit == "bytes":
            return f"`{default}` ({format_bytes(default)})"
        case _:
            return f"`{default}`"
