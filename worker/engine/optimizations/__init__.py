"""Faster replacements for parts of Keras's steps, with bit-identical results."""
