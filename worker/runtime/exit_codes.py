"""Exit statuses that a worker's child process and its parent agree on."""

FORCED_STOP = 75
"""The child was healthy, but had to end because its attempt did not stop (EX_TEMPFAIL of sysexits.h)."""
