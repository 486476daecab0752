"""Schedules that are followed no more: approved, closed, and restored."""
