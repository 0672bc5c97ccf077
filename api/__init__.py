"""HTTP: one router a resource, each endpoint a translation, a call and a return."""
