"""Write the lines that turn a table into the arrays `x_train`, `y_train` and the other sets."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from stackyard.spec.check.data.resolved_data import list_scaling_arguments
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, Features, TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription
from stackyard.spec.data.imputation import Constant, Imputation
from stackyard.spec.data.used_columns import list_test_columns, list_used_columns
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
from stackyard.spec.script.table_rows import write_dropping, write_loading
from stackyard.spec.training.losses import LABEL_LOSSES, Loss

_TRANSFORMERS: Mapping[str, str] = {
    "standard": "StandardScaler",
    "minmax": "MinMaxScaler",
    "robust": "RobustScaler",
    "l2": "Normalizer",
    "one_hot": "OneHotEncoder",
    "ordinal": "OrdinalEncoder",
}


@dataclass(frozen=True)
class TableSource:
    """A table that the script reads: its description, and the source of its rows."""

    table: TableDescription
    origin: DatasetOrigin


def write_preparation(
    script: ScriptBuilder, data: TableData, source: TableSource, test: TableSource | None, seed: int, loss: Loss
) -> None:
    """Write the lines that read and prepare a table as the spec says.

    Args:
        script: The script to extend.
        data: The data section of the spec.
        source: The dataset.
        test: The spec's `test_dataset`; None without one.
        seed: The seed of random splits without a seed of their own.
        loss: The loss, which decides the type of the targets.
    """
    columns = {column.name: column for column in source.table.columns}
    groups = data.list_feature_groups(columns)
    categorical = [name for group in groups if group.transform in CATEGORICAL_TRANSFORMS for name in group.columns]
    used = list_used_columns(data, source.table)
    write_loading(script, source.origin, source.table, used, "data", 1)
    _write_categories(script, data, groups, columns)
    _write_classes(script, data, columns)
    write_dropping(script, data, source.table, used, categorical, "data")
    if test is not None:
        test_columns = list_test_columns(data, source.table)
        write_loading(script, test.origin, test.table, test_columns, "test", 1 if source.origin.builtin else 2)
        write_dropping(script, data, test.table, test_columns, categorical, "test")
    write_split(script, data.split, seed)
    set_names = ["train", *(name for name in ("validation", "test") if getattr(data.split, name) is not None)]
    if test is not None:
        set_names.append("test")
    tables = [source.table, *([] if test is None else [test.table])]
    incomplete = {column.name for table in tables for column in table.columns if column.missing}
    _write_inputs(script, data, groups, incomplete, set_names)
    _write_targets(script, data, columns, set_names, loss)
    if data.sample_weight is not None:
        script.start_block(f'sample_weight = train[{format_literal(data.sample_weight)}].to_numpy("float32")')


def _write_categories(
    script: ScriptBuilder, data: TableData, groups: tuple[Features, ...], columns: Mapping[str, ColumnDescription]
) -> None:
    """Collect the values of each categorical column before any row is dropped, and the constants that fill it."""
    categorical = [
        (group, name) for group in groups if group.transform in CATEGORICAL_TRANSFORMS for name in group.columns
    ]
    if not categorical:
        return
    script.add_lines(
        format_assignment("categorical", build_literal_list(name for _, name in categorical)),
        "values = {name: sorted(data[name].dropna().unique()) for name in categorical}",
    )
    for group, name in categorical:
        imputation = data.get_imputation(group)
        is_extended = data.list_categories(group, columns[name]) != columns[name].categories
        if is_extended and isinstance(imputation, Constant):
            literal = format_literal(name)
            script.add_lines(
                f"values[{literal}] = sorted([*values[{literal}], {format_literal(imputation.fill_value)}])"
            )


def _write_classes(script: ScriptBuilder, data: TableData, columns: Mapping[str, ColumnDescription]) -> None:
    name = data.target.columns[0]
    if data.target.encode is not None or columns[name].type == "text":
        script.add_lines(f"classes = sorted(data[{format_literal(name)}].dropna().unique())")


def _write_inputs(
    script: ScriptBuilder,
    data: TableData,
    groups: tuple[Features, ...],
    incomplete: Collection[str],
    set_names: Iterable[str],
) -> None:
    steps = [_build_transformer_step(script, group, _get_imputation(data, group, incomplete)) for group in groups]
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


def _get_imputation(data: TableData, group: Features, incomplete: Collection[str]) -> Imputation | None:
    """Return the imputation of a group whose columns have missing values, or None."""
    has_missing = any(name in incomplete and not data.drops_rows_without(name) for name in group.columns)
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
    is_label = isinstance(loss, LABEL_LOSSES) and not list_scaling_arguments(target) and len(target.columns) == 1
    dtype = "int64" if is_label else "float32"
    _write_numeric_targets(script, data, list(set_names), dtype)


def _write_numeric_targets(script: ScriptBuilder, data: TableData, set_names: list[str], dtype: str) -> None:
    target = data.target
    columns = list(target.columns)
    needs_frame = len(columns) > 1 or target.standard  # scikit-learn scales a frame, not a series
    selection = format_literal(columns if needs_frame else columns[0])
    divided = "" if target.divide_by is None else f" / {target.divide_by!r}"
    if target.transform is not None:
        script.import_modules("numpy as np")

    def build_numbers(frame: str) -> str:
        numbers = f"{frame}[{selection}]"
        return (numbers if target.transform is None else f"np.{target.transform}({numbers})") + divided

    if target.standard:
        script.import_name("sklearn.preprocessing", "StandardScaler")
        script.add_lines(f"scaler = StandardScaler().fit({build_numbers('train')})")
    for name in set_names:
        numbers = build_numbers(name)
        if target.standard:
            column = "" if len(target.columns) > 1 else "[:, 0]"
            script.add_lines(f'y_{name} = scaler.transform({numbers}){column}.astype("{dtype}")')
        else:
            script.add_lines(f'y_{name} = {f"({numbers})" if divided else numbers}.to_numpy("{dtype}")')
