"""End-to-end tests: a server process with real workers that train."""
