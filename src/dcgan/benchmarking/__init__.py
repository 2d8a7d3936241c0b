"""Training speed compared with the standard DCGAN baseline, each run as a user would run it."""
