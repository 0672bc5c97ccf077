"""The programs of this process's backend."""

from typing import Any

from worker.engine.backend.selection import is_jax


def select_program_class() -> Any:
    """Return the class that implements `Program`. Only this backend's libraries are imported."""
    if is_jax():
        from worker.engine.jax_program.jax_program import JaxProgram  # noqa: PLC0415  # see above

        return JaxProgram
    from worker.engine.program.compiled_program import CompiledProgram  # noqa: PLC0415  # likewise

    return CompiledProgram
