"""Routes of `/v1/jobs` and the schemas of their responses."""
