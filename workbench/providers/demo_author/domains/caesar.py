"""The Caesar cipher; the brief decides the shift, whether digits turn too, and the message."""

from __future__ import annotations

import string

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library that shifts letters."""
    shift = 13 if brief.has("rot13") else brief.number(1, 25, 1 + brief.seed % 25)
    digits = brief.has("digit", "number")
    alphabets = [string.ascii_lowercase, string.ascii_uppercase, *([string.digits] if digits else [])]
    names = ["string.ascii_lowercase", "string.ascii_uppercase", *(["string.digits"] if digits else [])]
    message = " ".join(brief.words[:4]).capitalize() + ", 1984!"
    return Library(
        module="caesar",
        summary=f"The Caesar cipher with {shift} places, and a guess at the key of a longer text.",
        exports=("SHIFT", "decrypt", "encrypt", "guess_shift"),
        values={
            "shift": str(shift),
            "and_digits": " and digits" if digits else "",
            "alphabets": ", ".join(names),
            "message": quoting.python(message),
            "encrypted": quoting.python(_shifted(message, shift, alphabets)),
            "untouched": "?! é" if digits else "42 ?! é",
            "guess": str(brief.pick(tuple(range(2, 25)), "guess")),
        },
        right="return encrypt(text, -shift)",
        wrong="return encrypt(text, shift)",
        caught_by="test_decrypting_brings_the_message_back",
        acceptance=(
            "decrypting brings every message back, whatever the shift",
            "characters outside the alphabets stay as they are",
            "the key of a longer English text is found without being told",
        ),
    )


def commands(_brief: Brief, _values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    params = (Param("text"), Param("shift", "int", "SHIFT", "places to move each letter"))
    shared = (
        "def _with_letters(text: str) -> str:\n"
        "    if not any(char.isalpha() for char in text):\n"
        '        raise ValueError("there is no letter in the text")\n'
        "    return text"
    )
    encode = Command(
        name="encode",
        help="Encrypt a text.",
        params=params,
        body="return encrypt(_with_letters(text), shift)",
        given={"text": "Abc, xyz", "shift": "3"},
        result="Def, abc",
        refused={"text": "!?"},
        problem="no letter",
    )
    decode = Command(
        name="decode",
        help="Decrypt a text.",
        params=params,
        body="return decrypt(_with_letters(text), shift)",
        given={"text": "Def, abc", "shift": "3"},
        result="Abc, xyz",
        refused={"text": "..."},
        problem="no letter",
    )
    crack = Command(
        name="crack",
        help="Decrypt a longer English text without its key.",
        params=(Param("text"),),
        body="return decrypt(text, guess_shift(text))",
        given={"text": "wkh uhvw ri wkh ohwwhuv duh wkhuh wr eh frxqwhg dqg qrwklqj hovh"},
        result="the rest of the letters are there to be counted and nothing else",
        refused={"text": "12 34"},
        problem="no letters to judge by",
    )
    return Commands(commands=(encode, decode, crack), shared=shared)


def _shifted(text: str, shift: int, alphabets: list[str]) -> str:
    for alphabet in alphabets:
        places = shift % len(alphabet)
        text = text.translate(str.maketrans(alphabet, alphabet[places:] + alphabet[:places]))
    return text
