"""Build Keras networks, optimizers, losses, metrics and callbacks from a spec."""
