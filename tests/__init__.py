"""Tests, which mirror src/dcgan."""
