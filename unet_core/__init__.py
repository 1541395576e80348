"""The core of UNet Studio: everything that has a right answer, and no Streamlit.

Importing this package imports nothing else, so that `import unet_core.runs` costs milliseconds. A module imports only
from its own layer and those above it, never in a circle (`tests/test_architecture.py` reads this table):

| layer | modules | what they hold | torch |
|---|---|---|---|
| 1 | errors | what a user can do wrong | no |
| 2 | settings, config, events | settings and what a run tells, as JSON | no |
| 3 | eventlog, history | the events of a run on disk, and what they add up to | no |
| 4 | images, samples, masks, synthetic | reading pictures safely; data set layouts; the built-in data set | no |
| 5 | runs, overlay | the run directory and its state; masks made visible | no |
| 6 | device, logits | what computes; what output channels mean | yes |
| 7 | unet, losses, metrics | the mathematics | yes |
| 8 | augment, data, checkpoint | pictures to tensors; weights to disk | yes |
| 9 | inference | a picture to a mask | yes |
| 10 | evaluation | masks to scores | yes |
| 11 | train | the training loop, a generator of events | yes |
| 12 | worker | one run in a process of its own | late |
| 13 | __main__ | the command line | late |
"""

__version__ = "0.1.0"
