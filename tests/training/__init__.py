"""Tests of src/dcgan/training."""
