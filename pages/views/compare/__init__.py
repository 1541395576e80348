"""The views of the Compare page, each in a module of its own; `sections.SHOW` lists them."""
