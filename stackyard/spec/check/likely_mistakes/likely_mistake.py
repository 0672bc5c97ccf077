"""A setting that is valid but probably a mistake, as the modules with rules about them return it."""

from stackyard.spec.reading.json_pointers import PathSegment

LikelyMistake = tuple[str, tuple[PathSegment, ...], str, str]
"""The code for programs, the path in the spec, the message, and the fix."""
