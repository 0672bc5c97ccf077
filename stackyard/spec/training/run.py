"""The device, the backend, the queue priority and the limits of a job's time and epochs."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import PositiveFloat, PositiveInt, SpecModel

Priority = Annotated[int, Field(ge=0, le=9)]
Backend = Literal["jax", "tensorflow"]
"""A backend of Keras on which jobs train."""
BackendSetting = Literal["auto", "jax", "tensorflow"]
"""A backend, or the choice of the faster one for each network."""


class Run(SpecModel):
    """The kind of worker that runs the job, Keras's backend, and the job's position in the queue.

    A job with `device` "cpu" or "gpu" waits until a worker serves that device. "auto" selects a GPU if a live worker
    serves one, otherwise a CPU. The device is selected when the job is submitted, and again while the job is queued if
    no live worker serves the selected device any more.

    Keras trains the job on the `backend` "jax" or "tensorflow". "auto" selects TensorFlow for a network with
    convolutions and for a GPU, otherwise JAX. It also selects TensorFlow for an option that JAX lacks. The backend is
    selected when the job is submitted, and never changes. The job's numbers are those of Keras on its backend.

    Queued jobs start in order of `priority`, from 9 to 0. Among jobs of equal priority, the oldest starts first.
    A worker may start jobs of its current backend first, for a limited time.

    A job fails with the reason `time_limit` after it has run for `time_limit_s` seconds. All attempts whose work was
    kept count towards the limit. The last checkpoint is kept.

    After `until_epoch` epochs, the worker pauses the job with a checkpoint. A client that raises the number later lets
    it train on, with the same results as without the pause. null trains all epochs at once.
    """

    device: Literal["auto", "cpu", "gpu"] = "auto"
    backend: BackendSetting = "auto"
    priority: Priority = 5
    time_limit_s: PositiveFloat | None = None
    until_epoch: PositiveInt | None = None
