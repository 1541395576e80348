"""The model of a report: what it is, where it comes from, and how its training went."""

from typing import Any

from unet_core.config.labels import fields_by_name, label_of
from unet_core.data.groups import identity
from unet_core.data.groups.training_images import PARTS
from unet_core.errors import UnetError
from unet_core.evaluation.record import Record
from unet_core.io.colors import BLUE, ORANGE, to_hex
from unet_core.io.html import svg
from unet_core.io.html.document import figure, table, text
from unet_core.runs.event_log import read_events
from unet_core.runs.history import History


def show_model(record: Record) -> str:
    """The model in a table: origin, classes, options of this evaluation, settings that differ from the defaults."""
    model, options, images = record.model, record.options, record.source.images
    indices = range(model.num_classes) if model.num_classes > 1 else (1,)
    classes = [model.class_name(index) for index in indices]
    threshold = model.threshold if options.threshold is None else options.threshold
    seen = {part: len({identity.key(word, "px") or word for word in getattr(images, part)}) for part in PARTS}
    trained = ", ".join(f"{count} {part}" for part, count in seen.items() if count)
    if images.unknown:
        trained = f"{trained}, not all are known" if trained else "not known"
    rows = [
        ("Name", text(record.model_name)),
        ("Weights (SHA-256)", text(record.weights_digest)),
        ("Fine-tuned from", text(record.parent)),
        ("Images it has seen", text(trained)),
        ("Input", f"{model.in_channels} channel{'s' * (model.in_channels != 1)}"),
        ("Classes", text(", ".join(classes))),
        ("Threshold", f"{threshold:g}{'' if options.threshold is None else ', chosen for this evaluation'}"),
        ("Test-time augmentation", text(options.tta)),
        ("Tiles", "chosen by the memory" if options.tile is None else f"{options.tile} pixels"),
    ]
    if model.num_classes > 1:
        rows = [row for row in rows if row[0] != "Threshold"]
    return table([row for row in rows if row[1]]) + _show_settings(record) + _show_training(record)


def _show_settings(record: Record) -> str:
    """The settings of the training, or where its run is not there of the model, that differ from the defaults."""
    try:
        values = record.training_settings()
    except UnetError:
        return ""
    names = fields_by_name()
    rows = [
        (text(label_of(name) if name in names else name), text(_show_value(value))) for name, value in values.items()
    ]
    if not rows:
        return "<p>All settings have their default values.</p>"
    return f"<h3>Settings that differ from the defaults</h3>{table(rows)}"


def _show_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def read_history(record: Record) -> History | None:
    """The curves of the run; None where the model is of no run, or it left no events."""
    if record.source.run is None or not record.source.run.events.is_file():
        return None
    history = History()
    for event, at in read_events(record.source.run.events)[0]:
        history.add(event, at)
    return history if history.epochs else None


def _show_training(record: Record) -> str:
    history = read_history(record)
    if history is None:
        return "<p>The run of this model is not on this computer, so its training is not shown.</p>"
    rows = [("Epochs", f"{history.epochs[-1].epoch}, {history.epochs[-1].step} steps")]
    if isinstance(epoch := record.about.get("epoch"), int):
        rows.append(("Weights of", f"epoch {epoch}"))
    if history.started is not None:
        rows.append(("Parameters", f"{history.started.parameters:,}"))
        rows.append(("Trained on", text(f"{history.started.device}, {history.started.precision}")))
    if record.source.run is not None:
        config = record.source.run.config
        rows.append(("Seeds", f"{config.train.seed} (training), {config.data.split_seed} (split)"))
    return f"<h3>Training</h3>{table(rows)}"


def show_curves(record: Record) -> str:
    """Losses and validation scores over epochs; "" where they are not known."""
    history = read_history(record)
    if history is None:
        return ""

    def curve(name: str, field: str, color: tuple[int, int, int]) -> svg.Curve:
        points = [(float(item.epoch), getattr(item, field)) for item in history.epochs]
        return name, to_hex(color), [(epoch, value) for epoch, value in points if value is not None and value == value]

    losses = [curve("Training loss", "train_loss", ORANGE), curve("Validation loss", "val_loss", BLUE)]
    scores = [curve("Validation Dice", "val_dice", BLUE), curve("Validation IoU", "val_iou", ORANGE)]
    return (
        "<div class='row'>"
        + figure(svg.draw_curves(losses, "Losses over epochs"), "Losses over epochs")
        + figure(svg.draw_curves(scores, "Scores over epochs", (0.0, 1.0)), "Validation scores over epochs")
        + "</div>"
    )
