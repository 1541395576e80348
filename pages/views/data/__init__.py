"""The views of the Data page, by their names in its menu and its address."""

OVERVIEW = "Overview"
GALLERY = "Gallery"
PAIRS = "Pairs"
SPLIT = "Split"
AUGMENTATION = "Augmentation"
DOCTOR = "Mask Doctor"
VIEWS = (OVERVIEW, GALLERY, PAIRS, SPLIT, AUGMENTATION, DOCTOR)
