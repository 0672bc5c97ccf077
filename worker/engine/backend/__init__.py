"""The interfaces between the engine and Keras's backend, and the choice of their implementations."""
