"""One job's script."""

from stackyard.spec.check import check
from stackyard.spec.data.data import ArrayData, TableData
from stackyard.spec.data.description import ArraysDescription, DatasetDescription, TableDescription
from stackyard.spec.job import JobSpec
from stackyard.spec.limits import UNLIMITED
from stackyard.spec.script import arrays, tables, training
from stackyard.spec.script.origin import Origin
from stackyard.spec.script.script_source import Source

_DOCSTRING = '''"""Written by Stackyard: what a job trained, with nothing but Keras, pandas and scikit-learn.

    {command}

It prints every epoch, and leaves history.csv and model.keras in the current directory.
"""'''


def write(spec: JobSpec, dataset: DatasetDescription, origin: Origin, threads: int | None = None) -> str:
    """Write the script that does what a job does.

    Args:
        spec: Of the job, found right by `check`, its seed filled in.
        dataset: The description of its dataset.
        origin: Where the script finds its rows.
        threads: TensorFlow's intra-op threads with which the job was trained, where that is known. Some sums over
            large matrices are divided among them, and then rounded otherwise.

    Returns:
        Python source, UTF-8. Run with the file of the dataset as its one argument (none for a built-in one), it gives
        the history of the job to the last bit, on the same machine and versions, with as many threads.

    Raises:
        SpecError: The spec does not fit the dataset.
    """
    report = check(spec, dataset, UNLIMITED)
    source = Source()
    source.use("keras")
    if threads is not None:
        source.use("tensorflow as tf")
        source.block(f"tf.config.threading.set_intra_op_parallelism_threads({threads})  # as the job was trained")
    seed = spec.training.seed or 0
    match spec.data, dataset:
        case TableData() as data, TableDescription():
            tables.read(source, origin)
            tables.prepare(source, data, dataset, seed, spec.training.loss)
        case ArrayData() as data, ArraysDescription():
            arrays.read(source)
            types = {array.name: array.type for array in dataset.arrays}
            arrays.prepare(source, data, seed, spec.training.loss, integers=not types[data.y].startswith("float"))
        case _:
            pass  # the check has refused it
    training.build(source, report)
    training.fit(source, report, tested=_tested(spec))
    file = "" if origin.builtin else f" DATASET.{origin.format}"
    return source.text(_DOCSTRING.format(command=f"python train.py{file}"))


def _tested(spec: JobSpec) -> bool:
    return spec.data.split.test is not None or (isinstance(spec.data, ArrayData) and spec.data.test is not None)
