"""Arrays of an NPZ file: to `x_train`, `y_train` and so on."""

from stackyard.spec.data.data import ArrayData
from stackyard.spec.data.split import TrainTestSplit
from stackyard.spec.script.code import Node, assign, call, literal
from stackyard.spec.script.script_source import Source
from stackyard.spec.script.splitting import divide
from stackyard.spec.training.losses import LABEL_LOSSES, Loss


def read(source: Source) -> None:
    """Add the line that opens the file."""
    source.use("sys", "numpy as np")
    source.block("arrays = np.load(sys.argv[1])")


def prepare(source: Source, data: ArrayData, seed: int, loss: Loss, *, integers: bool) -> None:
    """Add the lines that prepare arrays as the spec says; `integers` says that the target is of whole numbers."""
    source.use("pandas as pd")
    _inputs(source, data)
    _rows(source, data)
    divide(source, data.split, seed)
    divided = [part for part in ("validation", "test") if getattr(data.split, part) is not None]
    parts = ["train", *divided]
    source.block(*(f"x_{part} = x[{part}.index]" for part in parts))
    whole = integers and isinstance(loss, LABEL_LOSSES) and data.target.divide_by is None and not data.target.standard
    _targets(source, data, parts, "int64" if whole else "float32")
    if data.test is not None:
        source.block(f"x_test = {_normalized(data, data.test.x)}")
        source.add(
            assign("y_test", _encoded(data, f"arrays[{literal(data.test.y)}]", "int64" if whole else "float32"))
        )
    if data.sample_weight is not None:
        source.block(f'sample_weight = arrays[{literal(data.sample_weight)}][train.index].astype("float32")')


def _inputs(source: Source, data: ArrayData) -> None:
    source.add(f"x = {_normalized(data, data.x)}")


def _normalized(data: ArrayData, name: str) -> str:
    if data.normalize is None:
        return f'arrays[{literal(name)}].astype("float32")'
    how = f"axis={data.normalize.axis}, order={data.normalize.order!r}"
    return f'keras.utils.normalize(arrays[{literal(name)}], {how}).astype("float32")'


def _rows(source: Source, data: ArrayData) -> None:
    """Make a frame of the rows' numbers, with the columns that a split goes by."""
    stratified = [method.stratify for method in data.split.methods if isinstance(method, TrainTestSplit)]
    columns = [*data.split.deciding_columns, *(name for name in stratified if name is not None)]
    given = "{" + ", ".join(f"{literal(name)}: arrays[{literal(name)}]" for name in dict.fromkeys(columns)) + "}"
    source.add(assign("data", call("pd.DataFrame", given, index="range(len(x))")))


def _targets(source: Source, data: ArrayData, parts: list[str], kind: str) -> None:
    source.block(f"y = arrays[{literal(data.y)}]")
    if data.target.encode is not None:
        source.add("classes = np.unique(y)")
    if data.target.standard:
        source.use_from("sklearn.preprocessing", "StandardScaler")
        divided = "y" if data.target.divide_by is None else f"y / {data.target.divide_by!r}"
        source.add(f"scaler = StandardScaler().fit(({divided}).reshape(len(y), -1)[train.index])")
    source.add(*(assign(f"y_{part}", _encoded(data, f"y[{part}.index]", kind)) for part in parts))


def _encoded(data: ArrayData, rows: str, kind: str) -> Node:
    """Return how the targets of some rows are made."""
    if data.target.encode is not None:
        return call("keras.utils.to_categorical", f"np.searchsorted(classes, {rows})", "len(classes)")
    scaled = rows if data.target.divide_by is None else f"({rows} / {data.target.divide_by!r})"
    if data.target.standard:
        scaled = f"scaler.transform({scaled}.reshape(len({rows}), -1)).reshape({rows}.shape)"
    return f'{scaled}.astype("{kind}")'
