"""From a dataset version and a preset to a run folder."""
