"""Decides who is told through what, and when not: routes, suppression, repeats, the plan."""
