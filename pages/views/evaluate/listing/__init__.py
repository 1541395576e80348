"""The list of scored images: which measures it has, which images are in it, and how a measure is distributed."""
