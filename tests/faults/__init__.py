"""Trials on a real installation whose broker, database or network fails; `tests.chaos` runs them."""
