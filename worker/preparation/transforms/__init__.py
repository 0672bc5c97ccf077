"""Fitted transforms between a dataset's rows and a network's inputs, targets and outputs."""
