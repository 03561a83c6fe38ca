"""Taking over the files of MediaPoster's scripts."""
