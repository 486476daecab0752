"""The flows: a recurring drill check and an on-demand delivery."""
