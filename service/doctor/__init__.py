"""An examination of an installation: each check says what it saw, and what to do about it.

`examine` is the entry point; `python -m service.doctor` is for the command line.
"""

from service.doctor.examination import examine
from service.doctor.findings import Finding, Level

__all__ = ["Finding", "Level", "examine"]
