"""One scenario a module: each has `run`, which disturbs a server in its way and says what came of it."""
