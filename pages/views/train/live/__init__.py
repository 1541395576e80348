"""Parts of the view of one run: how far it is, what comes next, how its start went."""
