"""The results of a job: its events, its artifacts and its Python script."""
