"""The aws program, kept running: a list of arguments as JSON per line in, its exit code and what it printed per line out.

Starting it anew for each command costs more processor time than the commands do.
"""

import contextlib
import io
import json
import sys

from awscli import clidriver


def execute(argv):
    """What the program of the same name does with its arguments."""
    sys.argv[1:] = argv
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = clidriver.main()
    return {"code": code, "printed": printed.getvalue()}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(execute(json.loads(line))), flush=True)
