"""The thing that a brief is about, as names for a program."""

from __future__ import annotations

import builtins
import keyword

import msgspec

from workbench.providers.demo_author.brief import Brief

_IMPORTED = frozenset({"Counter", "Iterator"})
"""Names that the templates import; a class of that name would hide them."""

_FRAME_LIST = """
add follow keep keeps list lists manage manages organise organize plan remember save show sort store stores
track tracks tracking register inventory collection catalog catalogue book system manager tracker
"""
_FRAME = frozenset(_FRAME_LIST.split())
"""Words for what is done with things, and for what holds them."""


class Noun(msgspec.Struct, frozen=True):
    """One thing and many of it, in words, and the name of its class."""

    one: str
    many: str
    class_name: str

    @property
    def with_article(self) -> str:
        """``a recipe``, ``an oven``."""
        return f"{'an' if self.one[0] in 'aeiou' else 'a'} {self.one}"


def main_noun(brief: Brief) -> Noun:
    """Return what `brief` is about: its first telling word that is no frame, singular."""
    one = singular(_things(brief)[0])
    name = one.capitalize()
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _IMPORTED:
        name += "Item"
    return Noun(one, plural(one), name)


def other_words(brief: Brief, count: int) -> tuple[str, ...]:
    """Return up to `count` words that say something about the things, the main noun left out."""
    return _things(brief)[1 : count + 1]


def _things(brief: Brief) -> tuple[str, ...]:
    return tuple(word for word in brief.words if word not in _FRAME) or brief.words


def singular(word: str) -> str:
    """Return the singular of an English noun, nearly always."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def plural(word: str) -> str:
    """Return the plural of an English noun, nearly always."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
