"""What the user asks for, as tokens: the text encoder, and how far a prompt is from the known."""
