"""Write the script of one job."""

from stackyard.spec.check import check_spec
from stackyard.spec.data.data import ArrayData, TableData
from stackyard.spec.data.description import ArraysDescription, DatasetDescription, TableDescription
from stackyard.spec.job import JobSpec
from stackyard.spec.limits import UNLIMITED
from stackyard.spec.script import arrays, tables, training
from stackyard.spec.script.origin import DatasetOrigin
from stackyard.spec.script.script_builder import ScriptBuilder
from stackyard.spec.script.tables import TableSource
from stackyard.spec.training.run import Backend

_DOCSTRING = '''"""Written by Stackyard: the training of a job with nothing but Keras, pandas and scikit-learn.

    {command}

It prints every epoch, and writes history.csv and model.keras to the current directory.
"""'''


def write_script(
    spec: JobSpec,
    dataset: DatasetDescription,
    origin: DatasetOrigin,
    threads: int | None = None,
    test: TableSource | None = None,
    backend: Backend | None = None,
) -> str:
    """Return a script that trains like a job.

    Args:
        spec: The spec of the job, checked by `check_spec` and with a seed.
        dataset: The description of the dataset.
        origin: The source of the rows.
        threads: The number of threads that trained the job, if known: TensorFlow's intra-op threads, or those of XLA's
            pool. Sums over large matrices are divided among them, and their number changes the rounding.
        test: The spec's `test_dataset`; None without one.
        backend: Keras's backend that trained the job; None for the one that the spec selects on a CPU.

    Returns:
        Python source, UTF-8. The script takes the file of the dataset as its argument, or none for a built-in one, and
        then that of the test dataset. On the same machine, with the same versions and threads, its history equals the
        job's to the last bit.

    Raises:
        SpecError: The spec does not fit the dataset.
    """
    report = check_spec(spec, dataset, UNLIMITED, None if test is None else test.table)
    script = ScriptBuilder()
    backend = backend or report.backend.name
    script.set_environment_variable("KERAS_BACKEND", backend)
    script.import_modules("keras")
    if threads is not None and backend == "jax":
        script.set_environment_variable("NPROC", str(threads))  # the size of XLA's pool
    if threads is not None and backend == "tensorflow":
        script.import_modules("tensorflow as tf")
        script.start_block(
            f"tf.config.threading.set_intra_op_parallelism_threads({threads})  # as the job was trained"
        )
    seed = spec.training.seed or 0
    match spec.data, dataset:
        case TableData() as data, TableDescription():
            tables.write_preparation(script, data, TableSource(dataset, origin), test, seed, spec.training.loss)
        case ArrayData() as data, ArraysDescription():
            arrays.write_loading(script)
            types = {array.name: array for array in dataset.arrays}
            has_integer_target = types[data.y].categories is not None or not types[data.y].type.startswith("float")
            arrays.write_preparation(script, data, seed, spec.training.loss, has_integer_target=has_integer_target)
        case _:
            pass  # `check_spec` has refused it
    training.write_target_axis(script, report, has_test_set=_has_test_set(spec))
    training.write_network(script, report)
    training.write_training(script, report, has_test_set=_has_test_set(spec))
    command = f"python train.py{_build_argument('DATASET', dataset, origin)}"
    if test is not None:
        command += _build_argument("TEST_DATASET", test.table, test.origin)
    return script.render_script(_DOCSTRING.format(command=command))


def _build_argument(name: str, dataset: DatasetDescription, origin: DatasetOrigin) -> str:
    """Return the argument of a command that names the file of a dataset; a built-in one has no file."""
    if origin.builtin is not None:
        return ""
    suffix = ".gz" if isinstance(dataset, TableDescription) and dataset.csv and dataset.csv.compression else ""
    return f" {name}.{origin.format}{suffix}"


def _has_test_set(spec: JobSpec) -> bool:
    separate = spec.data.test if isinstance(spec.data, ArrayData) else spec.data.test_dataset
    return spec.data.split.test is not None or separate is not None
