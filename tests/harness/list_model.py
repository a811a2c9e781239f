"""What ListObjects must answer, computed the simple way: all keys in a list."""

from dataclasses import dataclass


@dataclass
class Page:
    keys: list
    prefixes: list
    truncated: bool
    last: str  # The last key or common prefix of the page.


def utf8_order(text):
    """S3 orders by UTF-8 bytes."""
    return text.encode()


def list_page(keys, prefix="", delimiter="", after="", max_keys=1000):
    """Entries and common prefixes after `after` (exclusive; a common prefix named by it is skipped whole)."""
    seen_keys, prefixes, last = [], [], ""
    for key in sorted(keys, key=utf8_order):
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        item = key if cut < 0 else key[:cut + len(delimiter)]
        if after and (utf8_order(item) <= utf8_order(after)):
            continue
        if cut >= 0 and prefixes and prefixes[-1] == item:
            continue
        if len(seen_keys) + len(prefixes) == max_keys:
            return Page(seen_keys, prefixes, True, last)
        (seen_keys if cut < 0 else prefixes).append(item)
        last = item
    return Page(seen_keys, prefixes, False, last)
