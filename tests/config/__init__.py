"""Tests of dcgan.config."""
