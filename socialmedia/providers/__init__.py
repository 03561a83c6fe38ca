"""Where figures of posts come from: one interface, one module per provider."""
