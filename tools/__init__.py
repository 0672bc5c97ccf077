"""Developer tools: checks and generators that run by hand or in CI, never in the server."""
