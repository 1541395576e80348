"""Whoever uses the server's modules is asked who acts: on a public server nobody is the operator by accident."""

from pages.server.visitors import identity
from unet_core.io import owners

owners.identify_by(identity.current)
