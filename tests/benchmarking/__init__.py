"""Tests of src/dcgan/benchmarking."""
