"""`mydata`: what is held about a member, shown, handed out, and erased."""

import json
from datetime import datetime
from typing import Final

import discord

from bots import attachments
from bots.answers import Answer, Question, Refused
from followups import privacy
from followups.models import ConsentReceipt, ConsentState, UserProfile
from followups.privacy.holdings import HOLDINGS

LARGEST_BYTES: Final = 8 * 1024 * 1024
"""What Discord takes as one file, in any community."""
NOTHING_HELD: Final = "I hold nothing about you."
FORGOTTEN: Final = (
    "Done: I have forgotten you. What is left is a receipt without your name. "
    "If you ever write to me again, you are somebody new, and I will not write to you unless you ask me to."
)
FORGOTTEN_BEFORE: Final = "There is nothing left to forget: I hold nothing about you."
TOO_LARGE: Final = (
    "There is so much about you that it does not fit into one message here. Please ask your community's team for it: "
    "they can export it for you. Nothing is kept back."
)
WHAT_GOES: Final = (
    "**What goes, for good:** your profile and what you chose, your yes and no to messages, our private messages, "
    "moods, goals, birthday, interests, absences, events, when you wrote in channels, planned and sent follow-ups and "
    "why they were sent, and notes of the team about you.\n"
    "**What stays:** a receipt without your name, which proves that you were forgotten; sums over many people; what "
    "others wrote; and copies in log files and backups, until those are deleted for their age. What you see here in "
    "Discord is yours and Discord's: I can't delete that.\n"
    "Nothing more will be sent to you. This cannot be undone; `mydata export` hands you everything first."
)
WORDS: Final = {
    "account": "your name and picture on Discord",
    "profile": "your profile",
    "consent": "your yes and no to messages",
    "conversations": "conversations with me",
    "messages": "private messages between us",
    "channel_activity": "times when you wrote in a channel",
    "emotions": "moods of messages",
    "rhythm": "how often you usually write",
    "goals": "goals",
    "bookings": "events you take part in",
    "absences": "absences you announced",
    "follow_ups": "planned and past follow-ups",
    "sent_follow_ups": "follow-ups you were sent",
    "decisions": "decisions whether to write to you, with the reason",
    "flags": "notes for the team about you",
    "drafts": "drafts of messages to you",
    "jobs": "tasks of my scheduler for your follow-ups",
    "job_attempts": "attempts of those tasks",
    "job_reports": "reports of those tasks",
    "actions": "messages to you that count for a limit",
    "holdouts": "comparisons in which you got no message",
    "staff_posts": "posts for the team in your thread",
    "staff_notices": "posts for the team about you",
    "staff_replies": "replies of the team to you",
    "notes": "what the team noted about our conversation",
    "posts": "posts of yours whose figures the team follows",
    "post_snapshots": "figures of those posts",
    "post_alerts": "notes that one of them did well",
    "post_hashtags": "hashtags in them",
    "mentions": "posts that name you, and whom yours name",
    "comments": "comments by you, or below your posts",
    "account_days": "figures of your account, day by day",
    "fetches": "when these figures were fetched",
    "search_results": "searches that found you",
    "searches": "searches for you",
}
RECEIPTS_SHOWN: Final = 8
_STATES: Final = {ConsentState.GRANTED: "yes", ConsentState.REFUSED: "no", ConsentState.WITHDRAWN: "no more"}
_SOURCES: Final = {
    "slash_command": "by a command",
    "text_command": "by a typed command",
    "button": "by a button",
    "dm_stop_word": "by writing to me",
    "api": "through the team's programs",
    "command": "through the team",
    "admin": "through the team",
    "import": "as it was brought over from elsewhere",
}


def show(question: Question) -> Answer:
    """Say what is held, how many of each, and what the member has agreed to."""
    member = UserProfile.objects.filter(pk=question.user_id).select_related("account").first()
    if member is None:
        return Answer(NOTHING_HELD)
    counts = {holding.subject: holding.rows(member).count() for holding in HOLDINGS}
    named = [*WORDS, *(name for name in counts if name not in WORDS)]  # from the member outwards
    held = [f"- {WORDS.get(name, name.replace('_', ' '))}: {counts[name]:,}" for name in named if counts.get(name)]
    receipts = list(member.consent_receipts.order_by("-id")[: RECEIPTS_SHOWN + 1])
    said = [_receipt(row) for row in receipts[:RECEIPTS_SHOWN]] or ["- You were never asked, so I do not write to you."]
    if len(receipts) > RECEIPTS_SHOWN:
        said.append("- and earlier ones, which are in the export")
    return Answer(
        "\n".join(
            [
                "**What I hold about you**",
                *held,
                "**What you said to messages from me**",
                *said,
                "`mydata export` gives you all of it as a file; `mydata forget` erases it.",
            ]
        )
    )


def _receipt(row: ConsentReceipt) -> str:
    how = _SOURCES.get(row.source, f"through {row.source}")
    return f"- {row.recorded_at:%Y-%m-%d}: {_STATES[ConsentState(row.state)]}, {how}"


def hand_out(question: Question, *, now: datetime) -> Answer:
    """Hand the member everything as a file, which is made when it is sent."""
    try:
        size = len(in_json(question.user_id, now=now))
    except UserProfile.DoesNotExist:
        raise Refused(NOTHING_HELD) from None
    if size > LARGEST_BYTES:
        raise Refused(TOO_LARGE)
    words = "Here is everything that I hold about you. The file is JSON: any text editor opens it."
    return Answer(words, attachment="export")


def export_file(user_id: str, *, now: datetime) -> discord.File:
    """The file itself. One that has become too large since it was asked for says so."""
    content = in_json(user_id, now=now)
    fitting = content if len(content) <= LARGEST_BYTES else TOO_LARGE.encode()
    return attachments.json_file(fitting, user_id=user_id, now=now)


attachments.ATTACHMENTS["export"] = export_file


def in_json(user_id: str, *, now: datetime) -> bytes:
    """Everything about a member as the file has it. Raises UserProfile.DoesNotExist."""
    return json.dumps(privacy.export(user_id, now=now), indent=2, ensure_ascii=False).encode()


def explain_forgetting(question: Question) -> Answer:
    """Say what would go and what would stay, and ask."""
    if not UserProfile.objects.filter(pk=question.user_id).exists():
        return Answer(NOTHING_HELD)
    return Answer(f"**Shall I forget you?**\n{WHAT_GOES}\nThe button works for 15 minutes.", panel="forget")


def forget(question: Question, *, now: datetime) -> Answer:
    """Erase everything about who asks. The answer is not kept, and nobody is remembered for it."""
    user_id = question.user_id
    try:
        privacy.forget(user_id=user_id, source=question.source, evidence=question.evidence, actor=user_id, now=now)
    except UserProfile.DoesNotExist:
        return Answer(FORGOTTEN_BEFORE)
    except privacy.CannotForget:
        return Answer("You are one of my own accounts, not a member: I keep no such data about you to forget.")
    return Answer(FORGOTTEN)
