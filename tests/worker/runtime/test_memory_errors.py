"""Which errors mean that there is no more memory."""

import errno

import keras
import pytest

from worker.runtime.memory import is_out_of_memory


@pytest.mark.jax
def test_an_allocation_that_the_backend_refuses():
    with pytest.raises(Exception, match=r".+") as refused:
        keras.ops.convert_to_numpy(keras.ops.ones((2**22, 2**22)))
    assert is_out_of_memory(refused.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "no memory"), True),
        (OSError(errno.ENOSPC, "no space"), False),
        (ValueError("RESOURCE_EXHAUSTED"), False),
    ],
)
def test_errors_of_python(error, expected):
    assert is_out_of_memory(error) is expected
