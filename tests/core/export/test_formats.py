"""The table of formats: every one of them keeps the same promises."""

import dataclasses
import io
import re

import numpy as np
import pytest

from tests.helpers.made import empty, result
from unet_core.errors import ConfigError
from unet_core.export.formats import FORMATS, parse
from unet_core.export.result import Result


def contents(name: str, *results: Result) -> list[bytes]:
    format_ = FORMATS[name]
    data = [format_.encode(each) for each in results] if format_.encode else []
    if format_.gather:
        collector, file = format_.gather(), io.BytesIO()
        for each in results:
            collector.add(each)
        collector.write(file)
        data.append(file.getvalue())
    return data


def probable(each: Result) -> Result:
    return dataclasses.replace(each, probability=np.full(each.mask.shape, 0.25, np.float32))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_any_result_and_gives_the_same_bytes_again(name: str) -> None:
    results = [probable(each) for each in (result(), empty(), result("c", num_classes=4), empty("d", num_classes=4))]
    assert contents(name, *results) == contents(name, *results)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_what_it_is(name: str) -> None:
    format_ = FORMATS[name]
    assert format_.name == name
    assert re.fullmatch(r"\.[a-z]+", format_.extension)
    assert re.fullmatch(r"[A-Z][^:]{5,40}: .{20,80}\.", format_.sentence)
    assert bool(format_.encode) == bool(format_.suffix)
    assert bool(format_.gather) == bool(format_.file)
    assert format_.collected == (format_.encode is None)
    assert format_.encode or format_.gather


def test_no_two_formats_write_the_same_file() -> None:
    assert len({each.sentence.partition(":")[0] for each in FORMATS.values()}) == len(FORMATS)  # the menus' titles
    names = [name for each in FORMATS.values() for name in (each.suffix, each.file) if name]
    assert len(names) == len(set(names))


def test_names_are_parsed() -> None:
    assert parse("mask, coco,mask") == ("mask", "coco")
    assert parse(" all ") == tuple(FORMATS)


@pytest.mark.parametrize("names", ["", "mask,,coco", "masks", "mask;coco"])
def test_an_unknown_format_is_named_beside_the_known_ones(names: str) -> None:
    with pytest.raises(ConfigError, match="Use mask, prob"):
        parse(names)
