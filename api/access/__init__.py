"""Who makes a request, and whether they may: authentication by tokens and sessions, and permissions of routes."""
