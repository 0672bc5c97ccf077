"""The login of a browser: it exchanges the server's token for a session cookie."""
