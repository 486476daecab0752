"""The commands `drills evidence`: read, verify, export and keep the evidence."""
