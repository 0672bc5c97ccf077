"""An experiment's arrays, prepared in this process as a worker prepares them."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from tutorials import Experiment

from service.datasets import builtins
from service.datasets.dataset_source import CSV, NPZ, BuiltinSource, FileSource, Source
from service.datasets.inspection import inspect
from service.settings import Settings
from stackyard.spec import UNLIMITED, DatasetDescription, JobSpec, Report, check, parse
from worker.preparation import Prepared, prepare

_DESCRIPTION: TypeAdapter[DatasetDescription] = TypeAdapter(DatasetDescription)
_TYPES = {".csv": CSV, ".npz": NPZ}


@dataclass(frozen=True)
class Job:
    """A spec that was checked, the report on it, and its arrays."""

    spec: JobSpec
    report: Report
    data: Prepared


@dataclass(frozen=True)
class Table:
    """An experiment's dataset, described once for many specs."""

    source: Source
    description: DatasetDescription

    @classmethod
    def of(cls, experiment: Experiment) -> "Table":
        """The dataset that an experiment trains on."""
        if experiment.file is None:
            name = experiment.spec["data"]["dataset"]
            found = next(entry for entry in builtins.load() if builtins.PREFIX + entry.name == name)
            return cls(BuiltinSource(found.name), _DESCRIPTION.validate_python(found.description))
        media_type = _TYPES[experiment.file.suffix]
        return cls(FileSource(experiment.file, media_type), inspect(experiment.file, media_type, Settings()))

    def job(self, document: dict[str, Any]) -> Job:
        """What a worker knows of a job before it trains."""
        report = check(parse(json.dumps(document).encode()), self.description, UNLIMITED)
        return Job(report.spec, report, prepare(report.spec, self.description, self.source, report.task))
