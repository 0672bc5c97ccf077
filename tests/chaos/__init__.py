"""A seeded nemesis on a real server under load, and what became of every job: `make chaos`.

Nothing in the server knows of it. What must happen inside one of its processes, as an end between two writes, comes
from `injected`, which stands first on the path of the processes that are started here.
"""
