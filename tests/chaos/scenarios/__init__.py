"""The scenarios, one per module: each has `run`, which disturbs a server and returns a `Result`."""
