"""HTTP: one router per resource. An endpoint translates the request, calls a use case and returns its result."""
