"""What keeps the bot in Discord's good graces: switches, a budget of new channels, a pace, a count of refusals."""
