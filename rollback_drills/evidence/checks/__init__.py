"""What the evidence says of checks: populations, findings, what changed, and plans in force."""
