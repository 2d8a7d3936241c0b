"""Tests; they mirror src/dcgan."""
