"""Thin Prefect tasks: one per step of a drill check. Names, retries and logs live here."""
