"""Remembering who we met on which network."""

from datetime import datetime

from socialmedia.models import Account

# Nothing is written while what we know is still true: people write often and rename themselves rarely. Once one of
# ours, always one of ours; one that logs in is in use again.
_REMEMBER = """
INSERT INTO social_media_accounts AS known
    (platform, external_id, username, display_name, profile_pic_url, account_type, is_own, updated_at)
VALUES
    (%(platform)s, %(external_id)s, %(username)s, %(display_name)s, %(avatar_url)s, %(account_type)s, %(is_own)s,
     %(now)s)
ON CONFLICT (platform, external_id) DO UPDATE SET
    username = EXCLUDED.username,
    display_name = EXCLUDED.display_name,
    profile_pic_url = EXCLUDED.profile_pic_url,
    account_type = EXCLUDED.account_type,
    is_own = known.is_own OR EXCLUDED.is_own,
    is_active = known.is_active OR EXCLUDED.is_own,
    updated_at = EXCLUDED.updated_at
WHERE (known.username, known.display_name, known.profile_pic_url, known.account_type)
      IS DISTINCT FROM
      (EXCLUDED.username, EXCLUDED.display_name, EXCLUDED.profile_pic_url, EXCLUDED.account_type)
   OR (EXCLUDED.is_own AND NOT (known.is_own AND known.is_active))
RETURNING known.*
"""


def remember(
    *,
    platform: str,
    external_id: str,
    username: str,
    display_name: str = "",
    avatar_url: str = "",
    is_bot: bool = False,
    is_own: bool = False,
    now: datetime,
) -> Account:
    """Create or update the account with this id, in one statement. `is_own` marks one of ours and is never unset."""
    values = {
        "platform": platform,
        "external_id": external_id,
        "username": username,
        "display_name": display_name,
        "avatar_url": avatar_url,
        "account_type": "bot" if is_bot else "member",
        "is_own": is_own,
        "now": now,
    }
    for account in Account.objects.raw(_REMEMBER, values):
        return account
    return Account.objects.get(platform=platform, external_id=external_id)
