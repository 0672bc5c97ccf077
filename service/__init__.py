"""The use cases of Stackyard.

Functions take a `session` first and never commit: the caller owns the transaction.
"""
