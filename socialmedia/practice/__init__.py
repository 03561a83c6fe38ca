"""A made-up network for trials and tests: accounts, posts that grow, and comments, all of it worked out from names and
times. Nothing is stored and nothing is left to chance: asked twice for the same instant, it answers the same.
"""
