"""Tests of src/dcgan/commands."""
