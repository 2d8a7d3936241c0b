"""The commands: each reads its config, calls one function below, and prints where the result lies.

Heavy modules (torch) are imported inside the functions, so that help, completion and error messages
come at once.
"""

import os

from dcgan.processor import cpu_has_bfloat16

# An OpenMP thread that waits for its siblings spins for milliseconds, by default. As soon as
# anything else runs on the machine, threads spin away the time that the ones they wait for would
# need. In float32 a short spin makes such a step 1.5 times as fast, and costs an idle machine a
# tenth. bfloat16, which is the default where the CPU has it, is better off with the long spin in
# both cases (dcgan-benchmark, "threads that wait"). OpenMP reads this when torch is loaded, so it
# is set here, before.
if "OMP_WAIT_POLICY" not in os.environ and not cpu_has_bfloat16():
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
