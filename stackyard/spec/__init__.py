"""The language of a job: read a spec, check it against a dataset's description, know its shapes. No I/O."""

from stackyard.spec.base import Part
from stackyard.spec.callbacks import Callback, EarlyStopping
from stackyard.spec.changes import JobChanges
from stackyard.spec.check import Advice, Flops, LayerReport, Memory, Report, Rows, Task, Totals, check
from stackyard.spec.data import ArrayData, ArrayPair, ArrayTarget, Data, Features, Normalize, TableData, TableTarget
from stackyard.spec.description import (
    MAX_CATEGORIES,
    ArrayDescription,
    ArraysDescription,
    ColumnDescription,
    DatasetDescription,
    TableDescription,
)
from stackyard.spec.document import decode
from stackyard.spec.imputation import Imputation
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Layer
from stackyard.spec.limits import UNLIMITED, Limits
from stackyard.spec.losses import Loss
from stackyard.spec.metrics import Metric
from stackyard.spec.network import Network
from stackyard.spec.optimizers import Optimizer
from stackyard.spec.parsing import parse, parse_changes
from stackyard.spec.problems import Problem, SpecError
from stackyard.spec.run import Run
from stackyard.spec.split import (
    ColumnSplit,
    GroupSplit,
    LastSplit,
    RandomSplit,
    Split,
    SplitMethod,
    TrainTestSplit,
    train_rows,
)
from stackyard.spec.training import Training

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
