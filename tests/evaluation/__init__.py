"""Tests of dcgan.evaluation."""
