"""What the bot says to members."""

from followups import consent

TRY_AGAIN = "Sorry, that did not work just now. Nothing was changed; please try again in a minute."
STOPPED = "Understood: I will not write to you of my own accord any more."
_HOW = "Use `/followup_settings on`, `off` or `status`, or just write `stop` to me."


def status(*, is_enabled: bool) -> str:
    """The member's present choice, and how to change it."""
    state = "**enabled**" if is_enabled else "**disabled**"
    return f"Follow-up messages are {state} for you. They are opt-in and experimental. {_HOW}"


def enabled() -> str:
    """What the member has just agreed to, in the words of the consent."""
    return f"Follow-up messages are now **enabled** for you. {consent.WORDING}"


def disabled(*, cancelled: int) -> str:
    """What the opt-out stopped."""
    planned = f"{cancelled} planned message{'' if cancelled == 1 else 's'}"
    return f"{STOPPED} Follow-up messages are now **disabled** for you; {planned} cancelled. {_HOW}"
