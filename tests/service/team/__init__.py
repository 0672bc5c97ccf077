"""Tests of users, projects, tokens and what they may see."""
