"""Images: where they come from, prepared once, drawn in a seeded order.

Nothing is imported here: the processes that decode images need numpy and Pillow, not torch.
"""
