"""The views of the Train page, by their names in its menu and its address."""

LIVE = "Live"
PREFLIGHT = "Pre-flight check"
ARCHITECTURE = "Architecture"
CROPS = "Augmented crops"
SWEEP = "Sweep"
RUNS = "All runs"
