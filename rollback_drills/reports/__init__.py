"""Looking back: who was notified, who was not and why, who acknowledged, as documents of the evidence."""
