"""Training: losses, the training step, the loop, checkpoints, tracking."""
