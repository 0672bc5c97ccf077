"""`python -m service.doctor`: examine the installation that the environment configures.

Prints a JSON document per line for each finding, as soon as it is known. Exits with status 1 if there is a problem.
"""

import json
import os
import sys
from dataclasses import asdict

from service.doctor import Level, examine


def main() -> int:
    """Print the findings, and return the exit status."""
    os.umask(0o077)
    has_problem = False
    for finding in examine():
        has_problem |= finding.level is Level.PROBLEM
        sys.stdout.write(json.dumps(asdict(finding)) + "\n")
        sys.stdout.flush()
    return int(has_problem)


if __name__ == "__main__":
    sys.exit(main())
