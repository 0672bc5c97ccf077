"""The process that reads the first rows of a dataset, where a malicious file can do no harm.

`service.datasets.previewer` starts `python -m service.datasets.preview` with limited memory and time. It never loads
the libraries that read the file.
"""
