"""Find images, prepare them once, and sample batches of them in a seeded order."""
