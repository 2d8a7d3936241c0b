"""The commands: each reads its config, calls one function below, and prints where the result lies.

Heavy modules (torch) are imported inside the functions, so that help, completion and error messages
come at once.
"""

import os

# An OpenMP thread that waits for its siblings spins for milliseconds, by default. As soon as
# anything else runs on the machine, threads spin away the time that the ones they wait for would
# need, and a step takes many times as long. A short spin costs an idle machine some percent
# (dcgan-benchmark, "threads that wait"). OpenMP reads this when torch is loaded, so it is set here,
# before.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
