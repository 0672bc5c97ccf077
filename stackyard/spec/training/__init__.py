"""The training and run sections of a spec: losses, metrics, optimizers, schedules and callbacks."""
