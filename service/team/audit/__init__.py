"""The audit: an append-only record of every write and refusal on a team's server."""
