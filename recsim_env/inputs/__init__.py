"""What people give in words: names, whole numbers and classes, and what they probably meant."""
