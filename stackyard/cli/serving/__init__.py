"""The process tree of `stackyard serve`: broker, migrations, API and workers, and who may serve a data directory."""
