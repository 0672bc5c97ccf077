"""The order in which a queue hands out its jobs, and the positions of jobs in it."""
