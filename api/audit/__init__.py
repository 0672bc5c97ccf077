"""The audit: what it records of requests, the refusals, and the list of its entries."""
