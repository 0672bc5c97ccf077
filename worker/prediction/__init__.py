"""Predict rows with trained networks, in a process of its own (`python -m worker.prediction`).

`service.prediction` starts that process by its module name, keeps it running and talks to it. This file imports
nothing: the process has to choose its device before anything loads TensorFlow.
"""
