"""Trained networks at work on rows from outside, in a process of their own (`python -m worker.prediction`).

`service.prediction` starts that process by its name, keeps it warm and speaks with it. Nothing is imported here: the
process has to choose its device before anything loads tensorflow.
"""
