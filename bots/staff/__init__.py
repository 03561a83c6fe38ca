"""Staff in Discord: they are told of what needs a person, and answer members from a thread of their own."""
