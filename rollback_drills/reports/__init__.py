"""Looking back: who was told, who was not and why, and who took notice, as documents over the evidence."""
