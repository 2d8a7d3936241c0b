"""Image quality: features, distances between sets of images, memorization."""
