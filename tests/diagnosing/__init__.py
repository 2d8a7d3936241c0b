"""Tests of src/dcgan/checkerboard."""
