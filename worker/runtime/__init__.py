"""The environment of a worker process: devices, threads, memory, signals and exit codes."""
