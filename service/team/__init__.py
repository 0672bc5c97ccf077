"""Users, projects and tokens: who may see and do what."""
