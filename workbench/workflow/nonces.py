"""Nonces that fence sections of prompts and answers: not guessable from a brief, the same on a resume."""

from __future__ import annotations

import hashlib


def nonce(seed: str, key: str) -> str:
    """Return 16 hexadecimal characters for a question `key` of the run that `seed` names.

    Derived, not drawn, so that a resumed run asks byte for byte the same and finds its recorded answers.
    The seed is a run id with 40 random bits; a brief written before the run can't hold the nonce.
    """
    return hashlib.sha256(f"{seed}\0{key}".encode()).hexdigest()[:16]


def file_key(*parts: object) -> str:
    """Return a name for payload files: the parts joined by dashes, safe anywhere, at most 100 long."""
    text = "-".join(str(part) for part in parts)
    plain = "".join(
        char if char.isalnum() and char.isascii() else "_" if char != "-" else "-" for char in text
    )
    if plain == text and len(plain) <= 100:
        return plain
    return f"{plain[:80]}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
