"""The use cases. Functions take a `session` first and never commit: the caller owns the transaction."""
