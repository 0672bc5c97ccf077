"""A table: from a file or from scikit-learn to the arrays `x_train`, `y_train` and so on."""

from collections.abc import Iterable, Mapping

from stackyard.spec.data.data import CATEGORICAL, Features, TableData
from stackyard.spec.data.description import ColumnDescription, TableDescription
from stackyard.spec.data.imputation import Constant, Imputation
from stackyard.spec.script.code import Node, array, assign, call, literal, names, pair
from stackyard.spec.script.origin import Origin
from stackyard.spec.script.script_source import Source
from stackyard.spec.script.splitting import divide
from stackyard.spec.training.losses import LABEL_LOSSES, Loss

_TRANSFORMS: Mapping[str, str] = {
    "standard": "StandardScaler",
    "minmax": "MinMaxScaler",
    "robust": "RobustScaler",
    "l2": "Normalizer",
    "one_hot": "OneHotEncoder",
    "ordinal": "OrdinalEncoder",
}


def read(source: Source, origin: Origin) -> None:
    """Add the line that makes the frame `data`."""
    if origin.builtin is not None:
        source.use_from("sklearn.datasets", f"load_{origin.builtin}")
        source.block(f"data = load_{origin.builtin}(as_frame=True).frame")
        return
    source.use("sys", "pandas as pd")
    source.block(f"data = pd.read_{origin.format}(sys.argv[1])")


def prepare(source: Source, data: TableData, table: TableDescription, seed: int, loss: Loss) -> None:
    """Add the lines that prepare a table as the spec says."""
    columns = {column.name: column for column in table.columns}
    flags = {name: "boolean" for name, column in columns.items() if column.type == "boolean" and column.missing}
    if flags:
        source.add(f"data = data.astype({literal(flags)})")
    groups = data.groups(columns)
    _values(source, [name for group in groups if group.transform in CATEGORICAL for name in group.columns])
    _classes(source, data, columns)
    if data.drop_missing is True:
        source.add("data = data.dropna()")
    elif data.drop_missing:
        source.add(assign("data", call("data.dropna", subset=names(data.drop_missing))))
    divide(source, data.split, seed)
    parts = ["train", *(part for part in ("validation", "test") if getattr(data.split, part) is not None)]
    _inputs(source, data, groups, columns, parts)
    _targets(source, data, columns, parts, loss)
    if data.sample_weight is not None:
        source.block(f'sample_weight = train[{literal(data.sample_weight)}].to_numpy("float32")')


def _values(source: Source, categorical: list[str]) -> None:
    """Take note of every column's values before any row leaves."""
    if categorical:
        source.add(
            assign("categorical", names(categorical)),
            "values = {name: sorted(data[name].dropna().unique()) for name in categorical}",
        )


def _classes(source: Source, data: TableData, columns: Mapping[str, ColumnDescription]) -> None:
    name = data.target.columns[0]
    if data.target.encode is not None or columns[name].type == "text":
        source.add(f"classes = sorted(data[{literal(name)}].dropna().unique())")


def _inputs(
    source: Source,
    data: TableData,
    groups: tuple[Features, ...],
    columns: Mapping[str, ColumnDescription],
    parts: Iterable[str],
) -> None:
    steps = [_step(source, group, _filling(data, group, columns)) for group in groups]
    if all(step == '"passthrough"' for step in steps):
        source.block(assign("features", names(name for group in groups for name in group.columns)))
        source.add(*(f'x_{part} = {part}[features].to_numpy("float32")' for part in parts))
        return
    source.use_from("sklearn.compose", "make_column_transformer")
    made = [pair(step, names(group.columns)) for group, step in zip(groups, steps, strict=True)]
    source.block(assign("inputs", call("make_column_transformer", *made)))
    for part in parts:
        method = "fit_transform" if part == "train" else "transform"
        source.add(f'x_{part} = inputs.{method}({part}).astype("float32")')


def _filling(data: TableData, group: Features, columns: Mapping[str, ColumnDescription]) -> Imputation | None:
    """What fills a group's holes, where it has any."""
    lacking = any(columns[name].missing and not data.drops(name) for name in group.columns)
    return data.imputation(group) if lacking else None


def _step(source: Source, group: Features, how: Imputation | None) -> Node:
    """Return what makes a group's numbers."""
    steps: list[Node] = []
    if how is not None:
        source.use_from("sklearn.impute", "SimpleImputer")
        constant = {"fill_value": literal(how.fill_value)} if isinstance(how, Constant) else {}
        steps.append(call("SimpleImputer", strategy=literal(how.strategy), **constant))
    if group.transform != "none":
        source.use_from("sklearn.preprocessing", _TRANSFORMS[group.transform])
        steps.append(_transformer(group))
    if len(steps) > 1:
        source.use_from("sklearn.pipeline", "make_pipeline")
        return call("make_pipeline", *steps)
    return steps[0] if steps else '"passthrough"'


def _transformer(group: Features) -> Node:
    name = _TRANSFORMS[group.transform]
    if group.transform not in CATEGORICAL:
        return call(name)
    values = array([f"values[{literal(column)}]" for column in group.columns])
    if group.transform == "one_hot":
        return call(name, categories=values, handle_unknown='"ignore"', sparse_output="False")
    return call(name, categories=values, handle_unknown='"use_encoded_value"', unknown_value="-1")


def _targets(
    source: Source, data: TableData, columns: Mapping[str, ColumnDescription], parts: Iterable[str], loss: Loss
) -> None:
    target = data.target
    source.block()
    name = literal(target.columns[0])
    if target.encode is not None or columns[target.columns[0]].type == "text":
        source.use("pandas as pd")
        kind = "int64" if isinstance(loss, LABEL_LOSSES) else "float32"
        for part in parts:
            codes = f"pd.Categorical({part}[{name}], categories=classes).codes"
            encoded = call("keras.utils.to_categorical", codes, "len(classes)")
            source.add(assign(f"y_{part}", encoded if target.encode is not None else f'{codes}.astype("{kind}")'))
        return
    plain = target.divide_by is None and not target.standard and columns[target.columns[0]].type != "float"
    kind = "int64" if plain and isinstance(loss, LABEL_LOSSES) and len(target.columns) == 1 else "float32"
    _numbers(source, data, list(parts), kind)


def _numbers(source: Source, data: TableData, parts: list[str], kind: str) -> None:
    target = data.target
    names = list(target.columns)
    frame = len(names) > 1 or target.standard  # scikit-learn scales a frame, not a series
    chosen = literal(names if frame else names[0])
    divided = "" if target.divide_by is None else f" / {target.divide_by!r}"
    if target.standard:
        source.use_from("sklearn.preprocessing", "StandardScaler")
        source.add(f"scaler = StandardScaler().fit(train[{chosen}]{divided})")
    for part in parts:
        numbers = f"{part}[{chosen}]{divided}"
        if target.standard:
            one = "" if len(target.columns) > 1 else "[:, 0]"
            source.add(f'y_{part} = scaler.transform({numbers}){one}.astype("{kind}")')
        else:
            source.add(f'y_{part} = {f"({numbers})" if divided else numbers}.to_numpy("{kind}")')
