"""The events of runs and of what people do, for automations."""
