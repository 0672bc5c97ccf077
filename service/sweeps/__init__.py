"""Sweeps: propose the parameters of trials, decide at rungs, check a sweep, and compare its trials."""
