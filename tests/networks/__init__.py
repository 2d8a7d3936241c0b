"""Tests of src/dcgan/networks."""
