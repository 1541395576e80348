"""Make the icon font that the pages send: `python -m docs.make_icons`, after a new icon or another Streamlit.

Streamlit's font of Material Symbols (Apache-2.0) has 3,900 icons, 375 kB at each first visit. The one made here has
those that the pages name, and all that Streamlit's own frontend could name. It needs `pip install fonttools brotli`,
which nothing else does. `pages/server/delivery/icon_font.py` sends it only in place of the very file it was made from.
"""

import hashlib
import io
import json
import re
from pathlib import Path

from pages.server.delivery.icon_font import FOLDER, NAMES, find_original

ROOT = Path(__file__).parents[1]
WORD = re.compile(r"""["'`:/]([a-z0-9_]{2,40})["'`:]""")


def find_words(folder: Path, pattern: str) -> set[str]:
    """All strings in the files of a folder that could be names of icons."""
    files = folder.rglob(pattern)
    return {word for path in files for word in WORD.findall(path.read_text(encoding="utf-8", errors="replace"))}


def main() -> None:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    original = find_original()
    assert original is not None
    data = original.read_bytes()
    font = TTFont(io.BytesIO(data))
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    lookups = font["GSUB"].table.LookupList.Lookup
    tables = [getattr(table, "ExtSubTable", table) for lookup in lookups for table in lookup.SubTable]
    ligatures = {
        "".join(letters[glyph] for glyph in (first, *ligature.Component)): ligature.LigGlyph
        for table in tables
        for first, entries in table.ligatures.items()
        for ligature in entries
    }
    static = original.parents[1]
    words = find_words(ROOT / "pages", "*.py") | find_words(ROOT / "unet_core", "*.py")
    words |= find_words(static / "js", "*.js")
    names = sorted(words & set(ligatures))
    options = subset.Options(layout_features=["*"], flavor="woff2", hinting=False, notdef_outline=True)
    options.name_IDs = ["*"]  # the copyright stays in it
    subsetter = subset.Subsetter(options)
    # By the glyphs of the icons and the letters of their names; closure over ligatures would bring all icons back.
    keep = {ligatures[name] for name in names}
    for table in tables:
        for first, entries in list(table.ligatures.items()):
            table.ligatures[first] = [entry for entry in entries if entry.LigGlyph in keep]
            if not table.ligatures[first]:
                del table.ligatures[first]
    subsetter.populate(text="abcdefghijklmnopqrstuvwxyz0123456789_", glyphs=sorted(keep))
    subsetter.subset(font)
    output = io.BytesIO()
    font.flavor = "woff2"
    font.save(output)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "icons.woff2").write_bytes(output.getvalue())
    facts = {"original": original.name, "sha256": hashlib.sha256(data).hexdigest(), "icons": names}
    NAMES.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{len(names)} icons, {len(output.getvalue()):,} of {len(data):,} bytes")


if __name__ == "__main__":
    main()
