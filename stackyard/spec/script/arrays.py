"""Write the lines that turn the arrays of an NPZ file into `x_train`, `y_train` and the other sets."""

from stackyard.spec.check.data.resolved_data import list_scaling_arguments
from stackyard.spec.data.data import ArrayData
from stackyard.spec.data.split import TrainTestSplit
from stackyard.spec.script.python_source import Expression, build_call, format_assignment, format_literal
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.script.splitting import write_split
from stackyard.spec.training.losses import LABEL_LOSSES, Loss


def write_loading(script: ScriptBuilder) -> None:
    """Write the line that opens the file."""
    script.import_modules("sys", "numpy as np")
    script.start_block("arrays = np.load(sys.argv[1])")


def write_preparation(
    script: ScriptBuilder, data: ArrayData, seed: int, loss: Loss, *, has_integer_target: bool
) -> None:
    """Write the lines that prepare the arrays as the spec says.

    Args:
        script: The script to extend.
        data: The data section of the spec.
        seed: The seed of random splits without a seed of their own.
        loss: The loss, which decides the type of the targets.
        has_integer_target: Whether the target array holds whole numbers.
    """
    script.import_modules("pandas as pd")
    script.add_lines(f"x = {_normalize_inputs(data, data.x)}")
    _write_row_frame(script, data)
    write_split(script, data.split, seed)
    split_names = [name for name in ("validation", "test") if getattr(data.split, name) is not None]
    set_names = ["train", *split_names]
    script.start_block(*(f"x_{name} = x[{name}.index]" for name in set_names))
    is_scaled = list_scaling_arguments(data.target)
    dtype = "int64" if has_integer_target and isinstance(loss, LABEL_LOSSES) and not is_scaled else "float32"
    _write_targets(script, data, set_names, dtype)
    if data.test is not None:
        script.start_block(f"x_test = {_normalize_inputs(data, data.test.x)}")
        script.add_lines(
            format_assignment("y_test", _build_targets(data, f"arrays[{format_literal(data.test.y)}]", dtype))
        )
    if data.sample_weight is not None:
        script.start_block(
            f'sample_weight = arrays[{format_literal(data.sample_weight)}][train.index].astype("float32")'
        )


def _normalize_inputs(data: ArrayData, name: str) -> str:
    if data.normalize is None:
        return f'arrays[{format_literal(name)}].astype("float32")'
    arguments = f"axis={data.normalize.axis}, order={data.normalize.order!r}"
    return f'keras.utils.normalize(arrays[{format_literal(name)}], {arguments}).astype("float32")'


def _write_row_frame(script: ScriptBuilder, data: ArrayData) -> None:
    """Write a frame whose index numbers the rows and whose columns are the arrays that splits read."""
    stratified = [method.stratify for method in data.split.methods if isinstance(method, TrainTestSplit)]
    names = [*data.split.split_columns, *(name for name in stratified if name is not None)]
    columns = (
        "{"
        + ", ".join(f"{format_literal(name)}: arrays[{format_literal(name)}]" for name in dict.fromkeys(names))
        + "}"
    )
    script.add_lines(format_assignment("data", build_call("pd.DataFrame", columns, index="range(len(x))")))


def _write_targets(script: ScriptBuilder, data: ArrayData, set_names: list[str], dtype: str) -> None:
    script.start_block(f"y = arrays[{format_literal(data.y)}]")
    if data.target.encode is not None:
        script.add_lines("classes = np.unique(y)")
    if data.target.standard:
        script.import_name("sklearn.preprocessing", "StandardScaler")
        numbers = _transform_targets(data, "y")
        divided = numbers if data.target.divide_by is None else f"{numbers} / {data.target.divide_by!r}"
        script.add_lines(f"scaler = StandardScaler().fit(({divided}).reshape(len(y), -1)[train.index])")
    script.add_lines(
        *(format_assignment(f"y_{name}", _build_targets(data, f"y[{name}.index]", dtype)) for name in set_names)
    )


def _transform_targets(data: ArrayData, numbers: str) -> str:
    return numbers if data.target.transform is None else f'np.{data.target.transform}({numbers}.astype("float64"))'


def _build_targets(data: ArrayData, rows: str, dtype: str) -> Expression:
    """Return the expression that makes the targets of some rows."""
    if data.target.encode is not None:
        return build_call("keras.utils.to_categorical", f"np.searchsorted(classes, {rows})", "len(classes)")
    scaled = _transform_targets(data, rows)
    if data.target.divide_by is not None:
        scaled = f"({scaled} / {data.target.divide_by!r})"
    if data.target.standard:
        scaled = f"scaler.transform({scaled}.reshape(len({rows}), -1)).reshape({rows}.shape)"
    return f'{scaled}.astype("{dtype}")'
