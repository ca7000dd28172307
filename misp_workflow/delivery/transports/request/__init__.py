"""What an HTTP request is made of beyond its effect (parts, signature, tokens, what came before), and its answer."""
