"""Export a job as a Python script of plain pandas, scikit-learn and Keras.

Values of a spec enter the script only as literals, by `repr`: a name is never code, nor part of a comment.
"""

from stackyard.spec.script.origin import BuiltinName, DatasetOrigin
from stackyard.spec.script.script_writer import write_script
from stackyard.spec.script.tables import TableSource

__all__ = ["BuiltinName", "DatasetOrigin", "TableSource", "write_script"]
