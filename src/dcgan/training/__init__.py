"""The training run: losses, one step, the loop around it, checkpoints, tracking."""
