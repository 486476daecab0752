"""Which documents a place holds, which belong together, and how a whole fleet of them is read."""
