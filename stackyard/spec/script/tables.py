"""Write the lines that turn a table into the arrays `x_train`, `y_train` and the other sets."""

from collections.abc import Iterable, Mapping
from typing import cast

from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, Features, TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription, TimeKind
from stackyard.spec.data.imputation import Constant, Imputation
from stackyard.spec.script.origin import DatasetOrigin
from stackyard.spec.script.python_source import (
    Expression,
    build_call,
    build_list,
    build_literal_list,
    build_pair,
    format_assignment,
    format_literal,
)
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.script.splitting import write_split
from stackyard.spec.training.losses import LABEL_LOSSES, Loss

_TRANSFORMERS: Mapping[str, str] = {
    "standard": "StandardScaler",
    "minmax": "MinMaxScaler",
    "robust": "RobustScaler",
    "l2": "Normalizer",
    "one_hot": "OneHotEncoder",
    "ordinal": "OrdinalEncoder",
}


_DAY_EXPRESSIONS: Mapping[TimeKind, tuple[str, str, str]] = {
    "date": (
        "dates",
        'pd.to_datetime(data[name], format="ISO8601", utc=True).dt.as_unit("us")',
        '(dates - pd.Timestamp("1970-01-01", tz="UTC"))',
    ),
    "time": ("times", 'pd.to_timedelta(data[name].map(str, na_action="ignore")).dt.as_unit("us")', "times"),
    "duration": ("durations", 'pd.to_timedelta(data[name]).dt.as_unit("us")', "durations"),
}
"""By what a column has: a variable, the expression for it, and the expression that is divided by a day."""


def write_loading(script: ScriptBuilder, origin: DatasetOrigin, table: TableDescription) -> None:
    """Write the lines that read the frame `data`."""
    if origin.builtin is not None:
        script.import_name("sklearn.datasets", f"load_{origin.builtin}")
        script.start_block(f"data = load_{origin.builtin}(as_frame=True).frame")
        return
    script.import_modules("sys", "pandas as pd")
    names = [column.name for column in table.columns]
    arguments = {} if table.csv is None else table.csv.build_file_arguments(names)
    readable = [column.name for column in table.columns if column.type != "unsupported"]
    if len(readable) < len(names):
        arguments["columns"] = readable
    literals = {name: _format_argument(value) for name, value in arguments.items()}
    script.start_block(format_assignment("data", build_call(f"pd.read_{origin.format}", "sys.argv[1]", **literals)))
    _write_days(script, table)


def _format_argument(value: object) -> Expression:
    return build_literal_list(cast("list[str]", value)) if isinstance(value, list) else format_literal(value)


def _write_days(script: ScriptBuilder, table: TableDescription) -> None:
    """Write the lines that convert dates, times and durations to days, with the expressions of the worker."""
    for kind, (variable, expression, days) in _DAY_EXPRESSIONS.items():
        names = [column.name for column in table.columns if column.stored_as == kind]
        if names:
            script.add_lines(
                f"for name in {format_literal(names)}:",
                f"    {variable} = {expression}",
                f"    data[name] = {days} / pd.Timedelta(days=1)",
            )


def write_preparation(script: ScriptBuilder, data: TableData, table: TableDescription, seed: int, loss: Loss) -> None:
    """Write the lines that prepare a table as the spec says."""
    columns = {column.name: column for column in table.columns}
    nullable_booleans = {
        name: "boolean" for name, column in columns.items() if column.type == "boolean" and column.missing
    }
    if nullable_booleans:
        script.add_lines(f"data = data.astype({format_literal(nullable_booleans)})")
    groups = data.list_feature_groups(columns)
    _write_categories(
        script, [name for group in groups if group.transform in CATEGORICAL_TRANSFORMS for name in group.columns]
    )
    _write_classes(script, data, columns)
    if data.drop_missing is True:
        script.add_lines("data = data.dropna()")
    elif data.drop_missing:
        script.add_lines(
            format_assignment("data", build_call("data.dropna", subset=build_literal_list(data.drop_missing)))
        )
    write_split(script, data.split, seed)
    set_names = ["train", *(name for name in ("validation", "test") if getattr(data.split, name) is not None)]
    _write_inputs(script, data, groups, columns, set_names)
    _write_targets(script, data, columns, set_names, loss)
    if data.sample_weight is not None:
        script.start_block(f'sample_weight = train[{format_literal(data.sample_weight)}].to_numpy("float32")')


def _write_categories(script: ScriptBuilder, categorical: list[str]) -> None:
    """Collect the values of each categorical column before any row is dropped."""
    if categorical:
        script.add_lines(
            format_assignment("categorical", build_literal_list(categorical)),
            "values = {name: sorted(data[name].dropna().unique()) for name in categorical}",
        )


def _write_classes(script: ScriptBuilder, data: TableData, columns: Mapping[str, ColumnDescription]) -> None:
    name = data.target.columns[0]
    if data.target.encode is not None or columns[name].type == "text":
        script.add_lines(f"classes = sorted(data[{format_literal(name)}].dropna().unique())")


def _write_inputs(
    script: ScriptBuilder,
    data: TableData,
    groups: tuple[Features, ...],
    columns: Mapping[str, ColumnDescription],
    set_names: Iterable[str],
) -> None:
    steps = [_build_transformer_step(script, group, _get_imputation(data, group, columns)) for group in groups]
    if all(step == '"passthrough"' for step in steps):
        script.start_block(
            format_assignment("features", build_literal_list(name for group in groups for name in group.columns))
        )
        script.add_lines(*(f'x_{name} = {name}[features].to_numpy("float32")' for name in set_names))
        return
    script.import_name("sklearn.compose", "make_column_transformer")
    transformers = [
        build_pair(step, build_literal_list(group.columns)) for group, step in zip(groups, steps, strict=True)
    ]
    script.start_block(format_assignment("inputs", build_call("make_column_transformer", *transformers)))
    for name in set_names:
        method = "fit_transform" if name == "train" else "transform"
        script.add_lines(f'x_{name} = inputs.{method}({name}).astype("float32")')


def _get_imputation(data: TableData, group: Features, columns: Mapping[str, ColumnDescription]) -> Imputation | None:
    """Return the imputation of a group whose columns have missing values, or None."""
    has_missing = any(columns[name].missing and not data.drops_rows_without(name) for name in group.columns)
    return data.get_imputation(group) if has_missing else None


def _build_transformer_step(script: ScriptBuilder, group: Features, imputation: Imputation | None) -> Expression:
    """Return the transformer of a group, or "passthrough"."""
    steps: list[Expression] = []
    if imputation is not None:
        script.import_name("sklearn.impute", "SimpleImputer")
        constant = {"fill_value": format_literal(imputation.fill_value)} if isinstance(imputation, Constant) else {}
        steps.append(build_call("SimpleImputer", strategy=format_literal(imputation.strategy), **constant))
    if group.transform != "none":
        script.import_name("sklearn.preprocessing", _TRANSFORMERS[group.transform])
        steps.append(_build_transformer(group))
    if len(steps) > 1:
        script.import_name("sklearn.pipeline", "make_pipeline")
        return build_call("make_pipeline", *steps)
    return steps[0] if steps else '"passthrough"'


def _build_transformer(group: Features) -> Expression:
    name = _TRANSFORMERS[group.transform]
    if group.transform not in CATEGORICAL_TRANSFORMS:
        return build_call(name)
    values = build_list([f"values[{format_literal(column)}]" for column in group.columns])
    if group.transform == "one_hot":
        return build_call(name, categories=values, handle_unknown='"ignore"', sparse_output="False")
    return build_call(name, categories=values, handle_unknown='"use_encoded_value"', unknown_value="-1")


def _write_targets(
    script: ScriptBuilder,
    data: TableData,
    columns: Mapping[str, ColumnDescription],
    set_names: Iterable[str],
    loss: Loss,
) -> None:
    target = data.target
    script.start_block()
    column = format_literal(target.columns[0])
    if target.encode is not None or columns[target.columns[0]].type == "text":
        script.import_modules("pandas as pd")
        dtype = "int64" if isinstance(loss, LABEL_LOSSES) else "float32"
        for set_name in set_names:
            codes = f"pd.Categorical({set_name}[{column}], categories=classes).codes"
            encoded = build_call("keras.utils.to_categorical", codes, "len(classes)")
            script.add_lines(
                format_assignment(
                    f"y_{set_name}", encoded if target.encode is not None else f'{codes}.astype("{dtype}")'
                )
            )
        return
    is_integer = target.divide_by is None and not target.standard and columns[target.columns[0]].type != "float"
    dtype = "int64" if is_integer and isinstance(loss, LABEL_LOSSES) and len(target.columns) == 1 else "float32"
    _write_numeric_targets(script, data, list(set_names), dtype)


def _write_numeric_targets(script: ScriptBuilder, data: TableData, set_names: list[str], dtype: str) -> None:
    target = data.target
    columns = list(target.columns)
    needs_frame = len(columns) > 1 or target.standard  # scikit-learn scales a frame, not a series
    selection = format_literal(columns if needs_frame else columns[0])
    divided = "" if target.divide_by is None else f" / {target.divide_by!r}"
    if target.standard:
        script.import_name("sklearn.preprocessing", "StandardScaler")
        script.add_lines(f"scaler = StandardScaler().fit(train[{selection}]{divided})")
    for name in set_names:
        numbers = f"{name}[{selection}]{divided}"
        if target.standard:
            column = "" if len(target.columns) > 1 else "[:, 0]"
            script.add_lines(f'y_{name} = scaler.transform({numbers}){column}.astype("{dtype}")')
        else:
            script.add_lines(f'y_{name} = {f"({numbers})" if divided else numbers}.to_numpy("{dtype}")')
