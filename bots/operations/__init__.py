"""What commands do, each an operation that ends in an answer: one call of the domain, in words."""
