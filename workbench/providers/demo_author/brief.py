"""What a brief tells the author: its words, its numbers, and a seed of its own."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from workbench.domain.text import one_line

_FILLER_WORDS = """
a about an and any app application are as at be build but by can code command could create do does
each easy every file for from function functions get good great has have help how i if in into is it
its lib library like line list make me module my need needs no not of on one or our out package page
please print program project py python provide quick react real script service should simple site
small so some such test tested testing tests than that the their them then there these they this to
tool typescript typed use used user users using utility very vite want we web website well what when
where which who will with without work works would write you your all also nextjs next fastapi cli
api endpoint endpoints http rest server landing parse convert converts conversion
"""
_FILLER = frozenset(_FILLER_WORDS.split())
_PLAIN = str.maketrans("äöüßéèêáàâíìîóòôúùûñçåøæ", "aouseeeaaaiiiooouuuncaoa")
_UNWANTED = re.compile(r"\b(?:no|without|remove|drop|skip)\s+(?:the\s+|a\s+)?([\w./-]+)", re.I | re.ASCII)
_UNIT_TESTS = re.compile(r"\bunit[\s-]+test\w*")
"""A brief that asks for unit tests does not speak of units."""
Choice = TypeVar("Choice")


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A brief as the author sees it. `text` is data only: whatever it says, it is quoted, never obeyed."""

    text: str
    name: str
    """Kebab case, for a project's name."""
    package: str
    """Snake case, for an import."""
    words: tuple[str, ...]
    """Telling words, ASCII letters and digits, lower case, in order, each once; never empty."""
    numbers: tuple[int, ...]
    """Whole numbers in the brief, in order, below a million."""
    seed: int
    said: frozenset[str] = frozenset()
    """All words of the brief and of later wishes, without the unwanted."""
    unwanted: frozenset[str] = frozenset()
    """Words that a wish forbids."""

    @property
    def line(self) -> str:
        """The brief on one printable line, cut to fit a line of code."""
        return one_line(self.text, 72) or "(an empty brief)"

    @property
    def topic(self) -> str:
        """Up to three telling words, listed as in a sentence."""
        first, *rest = self.words[:3]
        return f"{', '.join((first, *rest[:-1]))} and {rest[-1]}" if rest else first

    def first_words(self, count: int, *fillers: str) -> tuple[str, ...]:
        """Return the first `count` telling words, filled up with `fillers`, each once."""
        return tuple(dict.fromkeys((*self.words, *fillers)))[:count]

    def has(self, *stems: str) -> bool:
        """Tell whether a word of the brief or of a wish begins with one of `stems`."""
        return any(word.startswith(stems) for word in self.said)

    def pick(self, choices: Sequence[Choice], salt: str = "") -> Choice:
        """Return one of `choices`, always the same for the same brief and `salt`."""
        return choices[zlib.crc32(salt.encode(), self.seed) % len(choices)]

    def number(self, low: int, high: int, default: int) -> int:
        """Return the brief's first number from `low` to `high`, else `default`."""
        return next((number for number in self.numbers if low <= number <= high), default)


def of(text: str, name: str = "generated", package: str = "generated", wishes: Sequence[str] = ()) -> Brief:
    """Return the brief of `text`; `name` and `package` come from the prompt.

    `wishes` are what was said to earlier plans: they add words and numbers, the newest first, and a wish
    such as "no menu" takes a word away.
    """
    telling = [word for word in _all_words(text) if len(word) > 2 and word not in _FILLER]
    words = tuple(dict.fromkeys(word for word in telling if word[0].isalpha()))[:40]
    newest_first = [*reversed(wishes), text]
    unwanted = frozenset(word for wish in wishes for word in _all_words(" ".join(unwanted_words(wish))))
    return Brief(
        text=text,
        name=name,
        package=package,
        words=words or ("item", "note", "entry"),
        numbers=tuple(number for part in newest_first for number in _numbers(part)),
        seed=zlib.crc32(text.encode("utf-8", "surrogatepass")),
        said=frozenset(word for part in newest_first for word in _all_words(part)) - unwanted,
        unwanted=unwanted,
    )


def unwanted_words(wish: str) -> list[str]:
    """Return the words, lower case, that a wish forbids: ``no menu``, ``without the README.md``."""
    return [word.lower().strip(".") for word in _UNWANTED.findall(wish)]


def _numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?<![\w.])\d{1,6}(?![\w.])", text, re.ASCII)]


def _all_words(text: str) -> list[str]:
    plain = _UNIT_TESTS.sub(" ", text[:20_000].lower().translate(_PLAIN))
    return [word[:16] for word in re.findall(r"[a-z0-9]+", plain)]
