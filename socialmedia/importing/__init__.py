"""Taking over MediaPoster, the tool that Checkback's tables of posts, comments and conversations come from."""
