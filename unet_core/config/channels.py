"""The setting `channels`: which channels of a file a model takes, and in which order."""

from unet_core.errors import ConfigError

MOST_CHANNELS = 32  # that a file and a model may have


def parse_channels(text: str) -> tuple[int | str, ...]:
    """The entries of the setting, in order: numbers from 0 as int, names as str; () of "", which means all.

    A number of 32 or more is a name, since lasers and bands are called 488 and 8. Raises ConfigError for an entry that
    is empty, negative or given twice, and for more than 32.

    >>> parse_channels("2, DAPI")
    (2, 'DAPI')
    """
    if not text.strip():
        return ()
    entries: list[int | str] = []
    for word in (part.strip() for part in text.split(",")):
        if not word or (word[0] == "-" and word[1:].isdecimal()):
            raise ConfigError(
                f'Expected channels to be numbers from 0 or names with commas between them, as in "0,2", got {text!r}.'
            )
        is_number = word.isascii() and word.isdecimal() and int(word) < MOST_CHANNELS
        entry = int(word) if is_number else word
        if entry in entries:
            raise ConfigError(f"The channel {word!r} is twice in channels, {text!r}. Write each once.")
        entries.append(entry)
    if len(entries) > MOST_CHANNELS:
        raise ConfigError(f"Expected at most {MOST_CHANNELS} channels, got {len(entries)}. Remove some of them.")
    return tuple(entries)
