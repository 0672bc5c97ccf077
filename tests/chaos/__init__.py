"""Chaos tests: disturb a real server under load, then check the outcome of every job (`make chaos`).

The server's code has no hooks for these tests. Faults inside a process, such as a kill between two writes, come from
`injected/sitecustomize.py`, which is first on the Python path of every process that is started here.
"""
