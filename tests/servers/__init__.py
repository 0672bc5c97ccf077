"""Real servers for tests: PostgreSQL, Valkey, a TLS proxy, and the services of docker-compose.yml."""
