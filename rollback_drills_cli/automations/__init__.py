"""The automations of Prefect that ship, and the command that applies them."""
