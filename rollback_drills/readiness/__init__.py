"""Judges how ready a rollback is: the due instant, the history report and the schedule report."""
