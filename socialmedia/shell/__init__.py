"""What `manage.py tiktok` shows of posts, comments and searches, in words and as JSON."""
