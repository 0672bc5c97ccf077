"""What an uploaded file holds, found out where a hostile one can do no harm.

`inspect` is the door. The reading is done by a process of its own (`python -m service.datasets.inspection`), whose memory
and time are bounded; the caller never loads the libraries that read the file.
"""

from service.datasets.inspection.inspector import inspect

__all__ = ["inspect"]
