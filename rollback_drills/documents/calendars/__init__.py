"""Working days, absences and what recurs, by the clock on the wall of a time zone."""
