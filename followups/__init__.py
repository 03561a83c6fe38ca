"""The domain: members, consent, policy, planning, composing, answers."""
