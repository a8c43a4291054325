"""How good the labels of people are: agreement, known answers, suspected errors."""
