"""Scores of a checkerboard: in one layer (`layers`), in a set of images (`images`)."""
