"""One spec against one dataset."""

from stackyard.spec.check.advice import advise
from stackyard.spec.check.callbacks import examine_callbacks, history_names
from stackyard.spec.check.class_weight import examine_class_weight
from stackyard.spec.check.data.arrays import array_inputs
from stackyard.spec.check.data.inputs import Inputs, Target
from stackyard.spec.check.data.table import table_inputs
from stackyard.spec.check.embedding_inputs import examine_vocabulary
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.layer_stack import walk
from stackyard.spec.check.loss_and_metrics import examine_loss, examine_metrics, examine_names
from stackyard.spec.check.report import FORWARD_AND_BACK, Flops, LayerReport, Report, Rows, Shape
from stackyard.spec.check.resources import (
    estimate,
    hold_epochs,
    hold_features,
    hold_memory,
    hold_parameters,
    total,
)
from stackyard.spec.check.task import task_of
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import ArraysDescription, DatasetDescription, TableDescription
from stackyard.spec.job import JobSpec
from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import SpecError


def check(spec: JobSpec, dataset: DatasetDescription, limits: Limits | None = None) -> Report:
    """Check a spec against the dataset that it names.

    Args:
        spec: What `parse` returned.
        dataset: What is known of the dataset.
        limits: Bounds on what the job may ask for; the defaults if None.

    Returns:
        The spec with every default filled in, and the shapes, sizes and rows that follow from it.

    Raises:
        SpecError: With everything that is wrong, at pointers into the spec. No other exception.
    """
    limits = limits or Limits()
    faults = Faults(spec)
    hold_epochs(spec.training, limits, faults)
    inputs = _inputs(spec, dataset, faults)
    if inputs.shape is not None:
        hold_features(inputs.shape, limits, faults, table=isinstance(spec.data, TableData))
    examine_vocabulary(spec, inputs, faults)
    layers = walk(spec.network.layers, inputs.shape, faults)
    _examine_training(spec, inputs, layers, faults)
    if layers is None or inputs.shape is None or inputs.target is None:
        raise SpecError(faults.problems)
    hold_parameters(layers, limits, faults)
    report = _report(spec, inputs, inputs.shape, inputs.target, layers)
    examine_class_weight(spec, report.task, faults)
    hold_memory(report.memory, limits, faults)
    if faults.problems:
        raise SpecError(faults.problems)
    return report


def _inputs(spec: JobSpec, dataset: DatasetDescription, faults: Faults) -> Inputs:
    nothing = Inputs(None, None, Rows(train=None, validation=None, test=None), None)
    match spec.data, dataset:
        case TableData() as data, TableDescription():
            return table_inputs(data, dataset, faults)
        case TableData(), ArraysDescription():
            names = ", ".join(array.name for array in dataset.arrays)
            faults.add(f'expected "x" and "y", as the dataset holds arrays ({names}); received columns', "data")
            return nothing
        case data, ArraysDescription():
            return array_inputs(data, dataset, faults)
        case _:
            message = 'expected a "target" with a "column", as the dataset is a table; received the arrays "x" and "y"'
            faults.add(message, "data")
            return nothing


def _examine_training(spec: JobSpec, inputs: Inputs, layers: tuple[LayerReport, ...] | None, faults: Faults) -> None:
    if inputs.target is not None:
        output = None if layers is None else layers[-1].output_shape
        examine_loss(spec, inputs.target, layers, faults)
        examine_metrics(spec.training, inputs.target, output, faults)
    examine_names(spec.training, faults)
    examine_callbacks(spec.training, validated=_validated(spec), faults=faults)


def _validated(spec: JobSpec) -> bool:
    return spec.data.split.validation is not None


def _report(spec: JobSpec, inputs: Inputs, shape: Shape, target: Target, layers: tuple[LayerReport, ...]) -> Report:
    totals = total(layers)
    rows = inputs.rows.train
    return Report(
        spec=spec,
        input_shape=shape,
        output_shape=layers[-1].output_shape,
        layers=layers,
        totals=totals,
        rows=inputs.rows,
        steps_per_epoch=None if rows is None else -(-rows // spec.training.batch_size),
        memory=estimate(spec.training, inputs, shape, layers, totals),
        flops=_flops(layers, inputs.rows),
        warnings=advise(spec, inputs),
        task=task_of(spec.training.loss, target, layers[-1].output_shape),
        metrics=history_names(spec.training, validated=_validated(spec)),
    )


def _flops(layers: tuple[LayerReport, ...], rows: Rows) -> Flops:
    row = sum(layer.flops for layer in layers)
    if rows.train is None or rows.validation is None:
        return Flops(row=row, epoch=None)
    return Flops(row=row, epoch=row * (FORWARD_AND_BACK * rows.train + rows.validation))
