"""How fast training is beside the standard DCGAN baseline, each run as a user runs it."""
