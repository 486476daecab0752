"""Results of drills in the formats of the tools that perform them."""
