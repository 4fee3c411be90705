"""What the user asks for, as tokens: text encoders and the distance of a prompt to what is known."""
