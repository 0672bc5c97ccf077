"""The language of a job: read a spec, check it against a dataset's description, know its shapes. No I/O."""

from stackyard.spec.base import Part
from stackyard.spec.check import Advice, Flops, LayerReport, Memory, Report, Rows, Task, Totals, check
from stackyard.spec.data.data import (
    ArrayData,
    ArrayPair,
    ArrayTarget,
    Data,
    Features,
    Normalize,
    TableData,
    TableTarget,
)
from stackyard.spec.data.description import (
    MAX_CATEGORIES,
    ArrayDescription,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    TableDescription,
)
from stackyard.spec.data.imputation import Imputation
from stackyard.spec.data.split import (
    ColumnSplit,
    GroupSplit,
    LastSplit,
    RandomSplit,
    Split,
    SplitMethod,
    TrainTestSplit,
    train_rows,
)
from stackyard.spec.job import JobSpec
from stackyard.spec.job_changes import JobChanges
from stackyard.spec.layers import Layer
from stackyard.spec.limits import UNLIMITED, Limits
from stackyard.spec.network.network import Network
from stackyard.spec.reading.faults import Problem, SpecError
from stackyard.spec.reading.json_document import decode
from stackyard.spec.reading.spec_parser import parse, parse_changes
from stackyard.spec.training.callbacks import Callback, EarlyStopping
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.optimizers import Optimizer
from stackyard.spec.training.run import Run
from stackyard.spec.training.training import Training

__all__ = [
    "MAX_CATEGORIES",
    "UNLIMITED",
    "Advice",
    "ArrayData",
    "ArrayDescription",
    "ArrayPair",
    "ArrayTarget",
    "ArraysDescription",
    "Callback",
    "ColumnDescription",
    "ColumnSplit",
    "Data",
    "DatasetDescription",
    "EarlyStopping",
    "Features",
    "Flops",
    "GroupSplit",
    "Imputation",
    "JobChanges",
    "JobSpec",
    "LastSplit",
    "Layer",
    "LayerReport",
    "Limits",
    "Loss",
    "Memory",
    "Metric",
    "Network",
    "Normalize",
    "Optimizer",
    "Part",
    "Problem",
    "RandomSplit",
    "Report",
    "Rows",
    "Run",
    "SpecError",
    "Split",
    "SplitMethod",
    "TableData",
    "TableDescription",
    "TableTarget",
    "Task",
    "Totals",
    "TrainTestSplit",
    "Training",
    "check",
    "decode",
    "parse",
    "parse_changes",
    "train_rows",
]
