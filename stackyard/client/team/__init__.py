"""Users, tokens, projects, the audit and the usage of a team's server."""
