"""The views of the Train page, by their names in its menu and its address."""

LIVE = "Live"
PREFLIGHT = "Check"
ARCHITECTURE = "Model"
CROPS = "Augmentation"
SWEEP = "Sweep"
RUNS = "Runs"
