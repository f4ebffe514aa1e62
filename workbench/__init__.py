"""A terminal workbench for LLM traffic."""

__version__ = "0.1.0"
