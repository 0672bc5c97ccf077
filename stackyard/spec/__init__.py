"""The language of job specs: parse a spec, check it against a dataset description, infer its shapes. No I/O."""

from stackyard.spec.base import SpecModel
from stackyard.spec.check import (
    Advice,
    BackendChoice,
    Flops,
    LayerReport,
    Memory,
    Report,
    RowCounts,
    Task,
    Totals,
    check_spec,
    choose_backend,
)
from stackyard.spec.data.csv_format import CsvFormat
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
    count_train_rows,
)
from stackyard.spec.job import JobSpec, remove_control_characters
from stackyard.spec.job_changes import JobChanges, JobContinuation, JobResumption
from stackyard.spec.layers import Layer
from stackyard.spec.limits import UNLIMITED, Limits
from stackyard.spec.network.network import Network
from stackyard.spec.reading.faults import Fault, SpecError
from stackyard.spec.reading.json_document import decode_json_object
from stackyard.spec.reading.spec_parser import (
    build_validators,
    parse_job_changes,
    parse_job_continuation,
    parse_job_resumption,
    parse_spec,
)
from stackyard.spec.training.callbacks import Callback, EarlyStopping
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.optimizers import Optimizer
from stackyard.spec.training.run import Backend, BackendSetting, Run
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
    "Backend",
    "BackendChoice",
    "BackendSetting",
    "Callback",
    "ColumnDescription",
    "ColumnSplit",
    "CsvFormat",
    "Data",
    "DatasetDescription",
    "EarlyStopping",
    "Fault",
    "Features",
    "Flops",
    "GroupSplit",
    "Imputation",
    "JobChanges",
    "JobContinuation",
    "JobResumption",
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
    "RandomSplit",
    "Report",
    "RowCounts",
    "Run",
    "SpecError",
    "SpecModel",
    "Split",
    "SplitMethod",
    "TableData",
    "TableDescription",
    "TableTarget",
    "Task",
    "Totals",
    "TrainTestSplit",
    "Training",
    "build_validators",
    "check_spec",
    "choose_backend",
    "count_train_rows",
    "decode_json_object",
    "parse_job_changes",
    "parse_job_continuation",
    "parse_job_resumption",
    "parse_spec",
    "remove_control_characters",
]
