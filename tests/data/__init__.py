"""Tests of src/dcgan/data."""
