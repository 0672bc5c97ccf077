"""A job as a Python script of stock pandas, scikit-learn and Keras.

What of a spec comes into the script does so as a literal, by `repr`: a name is never code, nor part of a comment.
"""

from stackyard.spec.script.origin import Builtin, Origin
from stackyard.spec.script.script_writer import write

__all__ = ["Builtin", "Origin", "write"]
