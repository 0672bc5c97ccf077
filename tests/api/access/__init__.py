"""Tests of who may see and do what on a server of a team."""
