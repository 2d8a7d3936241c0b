"""How good a generator is: features, distances between sets of images, memorization."""
