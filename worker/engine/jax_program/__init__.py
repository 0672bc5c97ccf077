"""Programs on JAX: compiled loops around Keras's own steps, which are pure functions there."""
