"""Drafts that are learned from labels: heads on features, logos, neighbours, families, models."""
