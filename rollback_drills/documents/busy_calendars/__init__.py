"""The iCalendar files that say when people are busy: read, checked, and joined to their owners."""
