"""Inspection of uploaded files in a separate process, where a malicious file can do no harm.

`inspect_file` is the entry point. It starts `python -m service.datasets.inspection` with limited memory and time. The
caller never loads the libraries that read the file.
"""

from service.datasets.inspection.inspector import inspect_file

__all__ = ["inspect_file"]
