"""Delivery: outcomes, when to repeat, and the result documents. Pure; the wire is in `blocks`."""
