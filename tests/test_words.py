"""Words that no user of the field expects do not come back: to pages, help, errors, the README and the documentation.

What is read is said in tests/helpers/visible_text.py. A phrase that is right in its place is in RIGHT, with the reason.
"""

import doctest
import re
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from tests.helpers import visible_text
from tests.helpers.visible_text import Text

WORDS = {  # what is odd, as a regular expression without regard to case; what is said instead
    r"pictures?|pictured": "image",
    r"processors?": "CPU",
    r"data sets?": "dataset",
    r"learnt|unlearnt": "learned",
    r"\w*(?:optim|normal|minim|maxim|initial|visual|recogn|binar|organ|summar|serial)is(?:e[drs]?|ing|ation)": "-ize",
    r"\w*colours?|\w*coloured|greys?|greyscale": "color, gray",
    r"neighbours?|neighbouring|centred?|behaviours?|labell\w+|unlabell\w+|modell\w+|favourites?|artefacts?|catalogues?|"
    r"cancell(?:ed|ing)|licences?|analys(?:ed?|ing)": "American spelling",
    r"bring|bringing|brought|brings (?:in|your)": "upload, add",
    r"tak(?:e|es|en|ing) (?:\w+ )?home|home with you": "export, download",
    r"go(?:es|ing)? on|went on|gone on": "resume, continue",
    r"let (?:it|a run|the run) go": "resume",
    r"on hold|(?:holds|held) after": "pause",
    r"judg(?:e|es|ed|ing|ements?|ments?)": "evaluate, validation",
    r"(?<![\w-])nets?": "model, architecture",
    r"(?:in|into|the|this) line(?= of runs| waits)|waits? in line|in the line|empty the line|in line": "queue",
    r"for ?ever": "permanently",
    r"to be had": "available",
    r"throw-?away": "temporary",
    r"signs? of life": "response",
    r"^(?:apart|kind|draw|the data|learning|an (?:image|epoch)|net sees|computed on|wipe|areas|fetch)$": "clear label",
    r"found wrongly|wrongly found": "false positive",
    r"drawn by a program|errors drawn in": "synthetic; error overlay",
    r"^before start$": "pre-flight check",
    r"proposals?|propos(?:e|es|ed|ing)": "suggestion, suggest",
    r"ran away|runs away|run away": "diverged",
    r"(?<!there )(?:is|are|be|was|were) no (?:good |valid )?(?:image|file|folder|number|zip|mask|model|run|text|id|"
    r"class|character|object|list|background|regular expression|ground|annotation)\w*": "is not a(n)",
    r"(?<!ground )(?<!ground-)truths?": "ground truth",
    r"cannot be told|is told|are told": "cannot be recognized, is shown",
    r"take (?:them|it) as|takes? it up|taken up after|taken out": "treat as, resume, remove",
    r"without a word": "unexpectedly",
    r"how far (?:to|it can be) trust\w*|before you trust": "evaluate, check",
    r"--revive|wait again|nobody waits": "restart, requeue",
    r"what computes|what is (?:minimi[sz]ed|seen)|speaks for|where all randomness": "the name of the thing",
    r"longest gradient|rounds over|goes to half": "the field's term",
    r"the house|hostile": "project; malicious",
    r"(?:worst|best) first": "sorted by",
    r"(?:has|have) the device": "the device is busy",
    r"stands? in (?:the|its|their|no) (?:page's )?(?:address|url)": "is saved in the URL",
}

RIGHT = {  # (file, phrase): why
    ("unet_core/data/synthetic.py", "pictures"): "written by release 0.1, by which its sample is known",
    ("unet_core/data/synthetic.py", "drawn by a program"): "the same line",
    ("pages/ui/addresses.py", "Before start"): "read in addresses of older releases",
    ("pages/ui/addresses.py", "Net"): "read in addresses of older releases",
    (
        "unet_core/data/layouts/collections.py",
        "truth",
    ): "silver and gold truth are names of the Cell Tracking Challenge",
    ("unet_core/data/annotations/tree.py", "in line"): "of a file, by its number",
    ("docs/api.md", "Cancelled"): "the name of an error, which programs of users catch",
}
PATTERNS = [(re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE), meant) for words, meant in WORDS.items()]


class Oddity(NamedTuple):
    """A phrase that is not said, where it stands, and what is said instead."""

    file: str
    line: str
    phrase: str
    meant: str
    around: str


def find_odd(texts: Iterable[Text]) -> list[Oddity]:
    found = []
    for where, text in texts:
        file, _, line = where.partition(":")
        for pattern, meant in PATTERNS:
            for match in pattern.finditer(text.strip()):
                around = text.strip()[max(0, match.start() - 40) : match.end() + 60]
                found.append(Oddity(file, line, match[0], meant, around))
    return found


def is_right(oddity: Oddity) -> bool:
    return (oddity.file, oddity.phrase.lower()) in {(file, phrase.lower()) for file, phrase in RIGHT}


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return list(visible_text.read_all())


def test_no_odd_words(texts: list[Text]) -> None:
    odd = [oddity for oddity in find_odd(texts) if not is_right(oddity)]
    assert not odd, "\n" + "\n".join(f"{o.file}:{o.line}: {o.phrase!r}, say {o.meant}: {o.around!r}" for o in odd)


def test_each_exception_is_still_needed(texts: list[Text]) -> None:
    needed = {(oddity.file, oddity.phrase.lower()) for oddity in find_odd(texts)}
    assert [key for key in RIGHT if (key[0], key[1].lower()) not in needed] == []


def test_every_kind_of_text_is_read(texts: list[Text]) -> None:
    """A text of each kind, so that a reader that finds nothing does not pass."""
    by_file = {where.partition(":")[0]: "" for where, _ in texts}
    for where, text in texts:
        by_file[where.partition(":")[0]] += f"{text}\n"
    assert "pause and resume" in by_file["README.md"]
    assert "ground truth" in by_file["docs/scores.md"]
    assert "Passes over the training set." in by_file["unet_core/config/schema.py"]
    assert any("Start training" in text for file, text in by_file.items() if file.startswith("pages/"))
    assert "Connection lost, trying again…" in by_file["pages/components/live_chart/feed.js"]
    assert "Follow the latest epoch" in by_file["pages/components/snapshots/snapshots.html"]
    assert any("--runs-dir" in text for file, text in by_file.items() if file.endswith("train --help"))


@pytest.mark.parametrize(
    "text",
    [
        "Bring images",
        "Take everything home",
        "Go on",
        "Wait in line",
        "Gone for ever",
        "The net",
        "Kind",
        "Draw",
        "No sign of life",
        "device cuda is not to be had on this machine; take 'auto'",
        "48 pictures",
        "a data set of greyscale images",
        "What the model has learnt",
        "Optimiser, normalisation and colour",
        "Uses no processor",
        "3 found wrongly",
        "this is no picture in a known format",
        "the last judgement of the model",
        "Proposed plan",
    ],
)
def test_the_words_of_the_first_release_are_found(text: str) -> None:
    assert find_odd([Text("a.py:1", text)])


@pytest.mark.parametrize(
    "text",
    [
        "Ground truth and prediction",
        "There is no image in it.",
        "Train a U-Net; nnU-Net reads the same folders.",
        "Online, the pipeline reads line 3.",
        "Takes up to 40 seconds.",
        "Object diameter, objects per image",
        "The predictions of this epoch could not be loaded, trying again.",
        "Random seed of the drawing",
    ],
)
def test_the_words_of_the_field_are_not(text: str) -> None:
    assert find_odd([Text("a.py:1", text)]) == []


def test_what_is_read_of_the_code() -> None:
    assert doctest.testmod(visible_text).failed == 0
