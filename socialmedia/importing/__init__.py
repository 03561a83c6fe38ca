"""Taking over what MediaPoster had: its database and its files."""
