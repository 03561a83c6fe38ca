"""Texts by a language model: asked outside transactions, checked against their sources, never needed."""
