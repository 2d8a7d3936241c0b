"""Images: where they come from, prepared once, drawn in a seeded order."""
