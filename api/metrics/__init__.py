"""`GET /metrics` for Prometheus: figures of the installation from its database, and of this process's requests."""
