"""Which image a person sees next, and known answers among them."""
