"""The pure mathematics of strided and transposed convolution; knows nothing of the rest."""
