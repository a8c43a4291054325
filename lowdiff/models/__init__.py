"""Pure torch: tensors in, tensors out. Nothing here knows files, devices or rooms."""
