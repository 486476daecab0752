"""Markdown, XML and times as people read them."""
