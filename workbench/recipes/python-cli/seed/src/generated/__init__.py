"""Stands in for what a model writes: the modules that most libraries import."""

from __future__ import annotations

import argparse
import collections
import contextlib
import csv
import dataclasses
import datetime
import decimal
import enum
import functools
import itertools
import json
import math
import pathlib
import re
import string
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["NAMES", "name_of"]

NAMES: Final = tuple(
    module.__name__
    for module in (
        argparse, collections, contextlib, csv, dataclasses, datetime, decimal, enum, functools, itertools, json,
        math, pathlib, re, string, sys, textwrap, unicodedata,
    )
)  # fmt: skip
Kinds = Callable[..., Any] | Collection[str] | Iterable[str] | Iterator[str] | Mapping[str, str] | Sequence[str]


def name_of(number: int) -> str:
    """Return one of the names. Raises IndexError."""
    return NAMES[number]
