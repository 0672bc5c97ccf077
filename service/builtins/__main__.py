"""`python -m service.builtins`: describe scikit-learn's tables anew, into the file that `load` reads."""

import json
from pathlib import Path

from service.builtins.generate import generate

if __name__ == "__main__":
    text = json.dumps(generate(), indent=1) + "\n"
    (Path(__file__).parent / "builtins.json").write_text(text)
