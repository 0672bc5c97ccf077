"""The HTTP server in front of the application: its entry, and the bounds on connections, headers and bodies."""
