"""How often drills are due: by days, by periods of the calendar, and by rules."""
