"""How fast training is, always as a ratio that was measured side by side in one run."""
