"""Everything about a job: validate and submit it, control it, run its attempts, recover it and delete it."""
