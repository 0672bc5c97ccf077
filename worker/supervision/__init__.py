"""Threads and Celery classes of a worker's parent process, which supervises the child processes and their jobs."""
