"""Inspection of uploaded files, run as `python -m service.datasets.inspection` in a confined process.

`service.datasets.inspector` starts the process. It never loads the libraries that read the file, and the process loads
none of the server's.
"""
