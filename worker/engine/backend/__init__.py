"""What the engine needs of Keras's backend besides a program: rows, state, and the order of stock `fit`."""
