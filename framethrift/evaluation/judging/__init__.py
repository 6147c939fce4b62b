"""Judges for open answers: what they are asked, how they are reached, what they said."""
