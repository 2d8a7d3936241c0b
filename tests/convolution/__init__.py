"""Tests of dcgan.convolution."""
