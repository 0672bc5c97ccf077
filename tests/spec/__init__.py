"""Tests of the spec language: reading, checking, schemas and Keras JSON."""
