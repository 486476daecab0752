"""What happens after a notification: acknowledged, escalated, excepted, and what each cycle waits for."""
