"""Writes performed drills into the history document, so that none is lost and none is written twice."""
