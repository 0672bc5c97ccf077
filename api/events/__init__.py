"""Events of all jobs in one stream: what changed, and the new epochs of chosen jobs."""
