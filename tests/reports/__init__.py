"""Tests of dcgan.reports."""
