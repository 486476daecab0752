"""Decides who is notified through what, and when not: routes, suppression, repeats, the plan."""
