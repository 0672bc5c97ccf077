"""The arrays of an experiment, prepared in this process as a worker prepares them."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from tutorials import Experiment

from service.datasets import builtins
from service.datasets.dataset_source import CSV, NPZ, BuiltinSource, DatasetSource, FileSource
from service.datasets.inspector import inspect_file
from service.settings import Settings
from stackyard.spec import UNLIMITED, DatasetDescription, JobSpec, Report, check_spec, parse_spec
from worker.preparation import PreparedData, prepare_data

_DESCRIPTION: TypeAdapter[DatasetDescription] = TypeAdapter(DatasetDescription)
_MEDIA_TYPES = {".csv": CSV, ".npz": NPZ}


@dataclass(frozen=True)
class PreparedJob:
    """A checked spec, its report, and its arrays."""

    spec: JobSpec
    report: Report
    data: PreparedData


@dataclass(frozen=True)
class ExperimentTable:
    """An experiment's dataset, inspected once for many specs."""

    source: DatasetSource
    description: DatasetDescription

    @classmethod
    def load(cls, experiment: Experiment) -> "ExperimentTable":
        """Inspect the dataset of an experiment."""
        if experiment.file is None:
            name = experiment.spec["data"]["dataset"]
            builtin = next(entry for entry in builtins.load_builtins() if builtins.BUILTIN_PREFIX + entry.name == name)
            return cls(BuiltinSource(builtin.name), _DESCRIPTION.validate_python(builtin.description))
        media_type = _MEDIA_TYPES[experiment.file.suffix]
        inspected = inspect_file(experiment.file, media_type, Settings())
        return cls(FileSource(experiment.file, media_type), inspected.description)

    def prepare_job(self, document: dict[str, Any]) -> PreparedJob:
        """Check the spec and prepare its arrays, as a worker does before a training."""
        report = check_spec(parse_spec(json.dumps(document).encode()), self.description, UNLIMITED)
        return PreparedJob(report.spec, report, prepare_data(report.spec, self.description, self.source, report.task))
