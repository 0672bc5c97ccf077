"""HTTP concerns that all routers share: authentication, bodies, content negotiation, problem documents, OpenAPI."""
