"""Access to the database: sessions on SQLite and PostgreSQL, pagination and ids."""
