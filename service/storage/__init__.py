"""Storage of immutable files by their SHA-256, in a directory or a bucket, and garbage collection of unused files."""
