"""The console's pages of comments, hashtags and searches."""
