"""Skips, postponements and waivers: requested, approved or declined, and in force."""
