"""How far labeling is, at which pace, and what brings it on most."""
