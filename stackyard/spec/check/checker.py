"""Check one spec against one dataset."""

from stackyard.spec.check.advice import find_likely_mistakes
from stackyard.spec.check.backend import check_backend, choose_backend
from stackyard.spec.check.callbacks import check_callbacks, list_history_columns
from stackyard.spec.check.class_weight import check_class_weight
from stackyard.spec.check.data.arrays import resolve_array_data
from stackyard.spec.check.data.resolved_data import ResolvedData, Target
from stackyard.spec.check.data.separate_test_set import check_test_classes, check_test_table
from stackyard.spec.check.data.table import resolve_table_data
from stackyard.spec.check.embedding_inputs import check_embedding_inputs
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.layer_stack import check_layers
from stackyard.spec.check.loss_and_metrics import check_loss, check_metric_names, check_metrics
from stackyard.spec.check.memory.estimate import estimate_memory
from stackyard.spec.check.repetitions import check_repetitions
from stackyard.spec.check.report import FORWARD_PASSES_PER_STEP, Flops, LayerReport, Report, RowCounts, Shape
from stackyard.spec.check.resources import (
    check_epochs,
    check_feature_limit,
    check_memory_limit,
    check_parameter_limit,
    sum_parameters,
)
from stackyard.spec.check.task import infer_task
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import ArraysDescription, DatasetDescription, TableDescription
from stackyard.spec.job import JobSpec
from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import SpecError


def check_spec(
    spec: JobSpec,
    dataset: DatasetDescription,
    limits: Limits | None = None,
    test_dataset: DatasetDescription | None = None,
) -> Report:
    """Check a spec against the dataset that it names.

    Args:
        spec: A parsed spec.
        dataset: The description of the dataset.
        limits: Bounds on what the job may ask for; the defaults if None.
        test_dataset: The description of the spec's `test_dataset`; None without one.

    Returns:
        The spec with every default filled in, and the shapes, sizes and rows that follow from it.

    Raises:
        SpecError: With every fault, at pointers into the spec. No other exception.
    """
    limits = limits or Limits()
    faults = FaultCollector(spec)
    check_epochs(spec.training, spec.run.until_epoch, limits, faults)
    check_backend(spec, faults)
    data = _resolve_data(spec, dataset, test_dataset, faults)
    if data.shape is not None:
        check_feature_limit(data.shape, limits, faults, is_table=isinstance(spec.data, TableData))
    check_embedding_inputs(spec, dataset, data, faults)
    layers = check_layers(spec.network.layers, data.shape, faults)
    _check_training(spec, data, layers, faults)
    if layers is None or data.shape is None or data.target is None:
        raise SpecError(faults.faults)
    check_parameter_limit(layers, limits, faults)
    check_repetitions(spec.network.layers, data.shape, layers, limits, faults)
    report = _build_report(spec, dataset, data, data.shape, data.target, layers)
    check_class_weight(spec, report.task, faults)
    check_test_classes(spec, test_dataset, report.task, faults)
    check_memory_limit(report.memory, limits, faults)
    if faults.faults:
        raise SpecError(faults.faults)
    return report


def _resolve_data(
    spec: JobSpec, dataset: DatasetDescription, test_dataset: DatasetDescription | None, faults: FaultCollector
) -> ResolvedData:
    unresolved = ResolvedData(None, None, RowCounts(train=None, validation=None, test=None), None)
    match spec.data, dataset:
        case TableData() as data, TableDescription():
            test_rows = check_test_table(data, dataset, test_dataset, faults)
            return resolve_table_data(data, dataset, faults, test_rows)
        case TableData(), ArraysDescription():
            names = ", ".join(array.name for array in dataset.arrays)
            faults.add(f'expected "x" and "y", as the dataset holds arrays ({names}); received columns', "data")
            return unresolved
        case data, ArraysDescription():
            return resolve_array_data(data, dataset, faults)
        case _:
            message = 'expected a "target" with a "column", as the dataset is a table; received the arrays "x" and "y"'
            faults.add(message, "data")
            return unresolved


def _check_training(
    spec: JobSpec, data: ResolvedData, layers: tuple[LayerReport, ...] | None, faults: FaultCollector
) -> None:
    if data.target is not None:
        output = None if layers is None else layers[-1].output_shape
        check_loss(spec, data.target, layers, faults)
        check_metrics(spec.training, data.target, output, faults)
    check_metric_names(spec.training, faults)
    check_callbacks(spec.training, has_validation=_has_validation(spec), faults=faults)


def _has_validation(spec: JobSpec) -> bool:
    return spec.data.split.validation is not None


def _build_report(
    spec: JobSpec,
    dataset: DatasetDescription,
    data: ResolvedData,
    input_shape: Shape,
    target: Target,
    layers: tuple[LayerReport, ...],
) -> Report:
    totals = sum_parameters(layers)
    train_rows = data.rows.train
    return Report(
        spec=spec,
        input_shape=input_shape,
        output_shape=layers[-1].output_shape,
        layers=layers,
        totals=totals,
        rows=data.rows,
        steps_per_epoch=None if train_rows is None else -(-train_rows // spec.training.batch_size),
        memory=estimate_memory(spec, data, input_shape, layers, totals),
        flops=_count_flops(layers, data.rows),
        warnings=find_likely_mistakes(spec, dataset, data, layers[-1].output_shape),
        task=infer_task(spec.training.loss, target, layers[-1].output_shape),
        backend=choose_backend(spec, "gpu" if spec.run.device == "gpu" else "cpu"),
        metrics=list_history_columns(spec.training, has_validation=_has_validation(spec)),
    )


def _count_flops(layers: tuple[LayerReport, ...], rows: RowCounts) -> Flops:
    row = sum(layer.flops for layer in layers)
    if rows.train is None or rows.validation is None:
        return Flops(row=row, epoch=None)
    return Flops(row=row, epoch=row * (FORWARD_PASSES_PER_STEP * rows.train + rows.validation))
