"""A report on a dataset as one HTML file: no script, nothing from elsewhere, light and dark."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from unet_core.config.schema import DataConfig
from unet_core.data import discovery
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import Finding
from unet_core.data.checks.registry import CHECKS
from unet_core.data.checks.result import Scan
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe import kinds
from unet_core.data.report import examples
from unet_core.errors import listing
from unet_core.io.files import write_atomically
from unet_core.io.html import svg
from unet_core.io.html.document import bullets, figure, make_document, table, text

EXAMPLES = 3  # pictures of a finding
MOST_NAMES = 30  # of a finding that are listed


def write_report(data: DataConfig, scan: Scan, path: Path) -> Path:
    """Write the report on a scan; gives its path. Raises OSError where the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, make_report(data, scan))
    return path


def make_report(data: DataConfig, scan: Scan) -> str:
    """The report as the text of an HTML file; a few samples are read again for its pictures."""
    samples = {sample.id: sample for sample in discovery.examine(data).samples}
    title = f"Data report: {scan.recipe.name or scan.root.name}"
    sections = [
        ("Overview", _overview(scan)),
        ("Findings", "".join(_finding(finding, samples, scan) for finding in scan.findings) or "<p>None.</p>"),
        ("Classes", _classes(scan)),
        ("Objects", _objects(scan)),
        ("Intensities", _intensities(scan)),
        ("Split", _split(scan)),
        ("Repairs", _recipe(scan)),
    ]
    return make_document(title, sections)


def _overview(scan: Scan) -> str:
    usable = [facts for facts in scan.facts if facts.height]
    sizes = Counter(f"{facts.width} x {facts.height}" for facts in usable)
    rows = [
        ("Folder", text(scan.root)),
        ("Samples", str(len(scan.facts))),
        ("Layout", f"{text(scan.layout)}{': ' * bool(scan.reason)}{text(scan.reason)}"),
        ("Sizes", _counted(sizes)),
        ("Channels", _counted(Counter(str(facts.channels) for facts in usable))),
        ("Bit depth", _counted(Counter(facts.dtype for facts in usable))),
        ("Masks", text(scan.coding.describe()) if scan.coding else "unclear"),
    ]
    verdict = f"<p class='error'>Training cannot start: {text(scan.refused)}</p>" if scan.refused else ""
    return verdict + table([row for row in rows if row[1]]) + bullets(scan.notes)


def _counted(counts: Counter[str]) -> str:
    return text(listing([f"{name} ({number})" for name, number in counts.most_common()], 6))


def _finding(finding: Finding, samples: dict[str, Sample], scan: Scan) -> str:
    remedy = finding.remedies[0] if finding.remedies else None
    shown = [samples[name] for name in finding.samples if name in samples][:EXAMPLES]
    pictures = "".join(
        _picture(examples.make_example(sample, scan.coding, remedy.repairs if remedy else ())) for sample in shown
    )
    labels = f"<p>Repairs: {text('; '.join(remedy.label for remedy in finding.remedies))}.</p>" if remedy else ""
    names = text(listing(list(finding.samples), MOST_NAMES))
    listed = f"<details><summary>Names</summary>{names}</details>" if finding.samples else ""
    return (
        f"<article class='{finding.severity}'><h3>{text(CHECKS[finding.check].title)} "
        f"<small>{finding.severity}{f', {finding.count}' if finding.samples else ''}</small></h3>"
        f"<p>{text(finding.message)}</p>{labels}<div class='row'>{pictures}</div>{listed}</article>"
    )


def _picture(example: examples.Example) -> str:
    parts = [(example.before, "as it is"), (example.after, "repaired")]
    shown = "".join(
        f"<div><img src='{source}' alt='{text(example.id)}, {words}'><small>{words}</small></div>"
        for source, words in parts
        if source
    )
    if not shown:
        return ""
    return f"<figure><div class='row'>{shown}</div><figcaption>{text(example.id)}</figcaption></figure>"


def _classes(scan: Scan) -> str:
    pixels, images = Counter[int](), Counter[int]()
    for facts in scan.facts:
        for index, number in facts.classes:
            pixels[index] += number
            images[index] += 1
    total = sum(number for index, number in pixels.items() if index != IGNORE)
    rows = []
    for index in sorted(pixels):
        if index == IGNORE:
            rows.append(["ignored", f"{pixels[index]:,} pixels", "", str(images[index])])
            continue
        share = pixels[index] / max(1, total)
        bar = svg.draw_bar(share, _color(scan, index))
        rows.append([text(_class_name(scan, index)), f"{share:.2%}", bar, str(images[index])])
    return table(rows, ("Class", "Share", "", "Images")) if rows else ""


def _color(scan: Scan, index: int) -> str:
    """The color of a class that the recipe names, else that of the text."""
    color = scan.recipe.colors[index] if index < len(scan.recipe.colors) else ""
    return color if re.fullmatch("#[0-9a-fA-F]{3,8}", color) else "currentColor"


def _class_name(scan: Scan, index: int) -> str:
    if index < len(scan.class_names):
        return scan.class_names[index]
    binary = scan.coding is not None and scan.coding.kind != "classes"
    return ("background" if index == 0 else "foreground") if binary else f"class {index}"


def _objects(scan: Scan) -> str:
    coded = [facts for facts in scan.facts if facts.classes]
    areas = [float(area) for facts in coded for area in facts.object_areas]
    if not areas:
        return ""
    counts = sorted(facts.objects for facts in coded)
    words = (
        f"<p>{sum(counts):,} objects, {counts[len(counts) // 2]} in an image (median), "
        f"{sorted(areas)[len(areas) // 2]:.0f} pixels each (median).</p>"
    )
    return words + figure(svg.draw_histogram(areas, "Object sizes"), "Object sizes in pixels (logarithmic)")


def _intensities(scan: Scan) -> str:
    return "".join(_histograms(scan.facts))


def _histograms(facts: Sequence[SampleFacts]) -> Iterator[str]:
    """One chart for each kind of image: the type and the number of channels."""
    kinds_of = Counter((item.dtype, item.channels) for item in facts if item.histogram and item.dtype != "float32")
    for (dtype, channels), number in kinds_of.most_common(4):
        members = [item for item in facts if (item.dtype, item.channels) == (dtype, channels) and item.histogram]
        rows = [
            [float(sum(column)) for column in zip(*(item.histogram[channel] for item in members), strict=True)]
            for channel in range(channels)
        ]
        title = f"Intensities of {number} images, {dtype}, {channels} channel{'s' * (channels > 1)} (root scale)"
        yield figure(svg.draw_lines(rows, members[0].histogram_range, title), title)


def _split(scan: Scan) -> str:
    rows = [[part, str(len(ids)), text(listing(list(ids), 8))] for part, ids in scan.parts.items() if ids]
    return table(rows, ("Part", "Images", "")) if rows else ""


def _recipe(scan: Scan) -> str:
    lines = [kinds.describe(repair) for repair in scan.recipe.repairs]
    lines += [f"{name} = {value}" for name, value in scan.recipe.settings]
    return bullets(lines)
