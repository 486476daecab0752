"""Who is notified next while nobody acknowledges, when, and what was sent."""
