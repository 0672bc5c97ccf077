"""Compiled programs: graphs around Keras's own steps, and their cache."""
