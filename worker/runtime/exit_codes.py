"""Exit statuses that a worker's child process and its parent agree on."""

FORCED_STOP = 75
"""The child was healthy, but had to end because its attempt did not stop (EX_TEMPFAIL of sysexits.h)."""
REPLACED = 155
"""The child ended between two tasks, and another one takes its place: for a job of the other backend, or because it
ran out of memory (billiard's EX_RECYCLE, which its pool does not report as an error)."""
