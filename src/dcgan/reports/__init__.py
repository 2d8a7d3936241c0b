"""Many runs into one page: reading, statistics, figures, the page itself."""
