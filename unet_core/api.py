"""The public names of the package, which `unet_core` gives lazily."""
