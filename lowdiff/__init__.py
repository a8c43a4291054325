"""lowdiff: a small text-to-image model of your own, from your graphics to a model you can trace."""

__version__ = "0.1.0"
