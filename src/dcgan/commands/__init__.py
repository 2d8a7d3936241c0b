"""The commands: each reads its config, calls one function, and prints where the results are.

Slow imports (torch) are inside the functions, so that help, completion and error messages appear
at once.
"""

import signal
import sys
from pathlib import Path

# Until a command has imported what it needs and has handlers of its own, Ctrl-C ends it without a
# traceback. A program that imports this package keeps its own handler.
is_command = Path(sys.argv[0]).name.startswith("dcgan-")
if is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
