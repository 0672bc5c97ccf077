"""The queues of jobs: choose a queue, wake its workers, and keep the list of workers that serve it."""
