"""Datasets: the catalog of versions, the inspection of uploads, and the built-in datasets."""
