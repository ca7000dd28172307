"""What a request is made of beyond its effect: parts, signature, tokens, and what an answer before it said."""
