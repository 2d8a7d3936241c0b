"""Reports on many runs: reading them, statistics, figures, pages."""
