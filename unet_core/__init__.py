"""The core of UNet Studio: everything that has a right answer, and no Streamlit.

Importing this package imports nothing else, so that `import unet_core.runs` costs milliseconds. A module imports only
from its own layer and those above it, never in a circle (`tests/test_architecture.py` reads this table):

| layer | modules | what they hold | torch |
|---|---|---|---|
| 1 | errors | what a user can do wrong | no |
| 2 | settings, config, events | settings and what a run tells, as JSON | no |
| 3 | control | what is asked of a trainer | no |
| 3 | eventlog, history, curves, anatomy, presets | a run's events and sum; a net in numbers; named settings | no |
| 4 | deep, palettes, images, colours, mixed, layouts, samples, masks, oddities, synthetic | pictures; layouts | no |
| 4 | weights, archives, safe_names, intake, hub_names, hub_kept | what is brought in from elsewhere, read safely | no |
| 5 | runs, overlay | the run directory and its state; masks made visible | no |
| 5 | finetune | where a run's weights begin | no |
| 5 | keeping, recipe | names, notes, ZIPs and the end of runs; the code that repeats one | no |
| 5 | queue | the line of runs that wait for the device | no |
| 5 | standings | the table of runs that belong together | no |
| 5 | hub_fetch, hub | models of the Hugging Face Hub | no |
| 5 | fingerprint, looks, adjust, evidence, why | pictures in numbers; what a mask does not tell by itself | no |
| 5 | tiling, tta, answers | a picture in tiles and views; what a prediction gives | no |
| 5 | postprocess, touching, objects, outlines, results | a tidy mask, its objects and their outlines | no |
| 5 | rle, coco, geojson, yolo, rasters, spreadsheets, filenames, formats, exports | files to take home | no |
| 5 | machine, plan, cautions | settings proposed from the data, and what speaks against them | no |
| 5 | preflight_report, preflight_process | a check before the start, from outside | no |
| 6 | device, logits | what computes; what output channels mean | yes |
| 6 | memory | how much there is, how large a batch it holds | yes |
| 7 | unet, losses, metrics, optimisers | the mathematics | yes |
| 8 | augment, data, checkpoint, film, milesial, class_weights, foreign | pictures to tensors; weights to disk | yes |
| 9 | inference | a picture to a mask | yes |
| 10 | evaluation, tensorboard | masks to scores; events as files of TensorBoard | yes |
| 11 | trainer, about | a run from its folder to its end; what its checkpoint tells of it | yes |
| 11 | train, training, diagnosis | the training loop, a generator of events; its state; why it failed | yes |
| 11 | trial, pace, preflight, lr_range | steps made to see what a run would cost, and at which rate it learns | yes |
| 12 | worker, sweep | one run in a process of its own; many from lists of settings | late |
| 13 | control_commands, keeping_commands | the commands that steer a run, and that keep it | late |
| 13 | tell, data_commands, plan_commands, model_commands, run_commands | the commands | late |
| 14 | __main__ | the command line | late |
"""

__version__ = "0.1.0"
