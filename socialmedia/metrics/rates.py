"""Rates of one snapshot."""

from decimal import Decimal

_CENT = Decimal("0.01")


def engagement_rate(
    *, likes: int | None, comments: int | None, shares: int | None, views: int | None
) -> Decimal | None:
    """(likes + comments + shares) / views, in percent. None without views, or when likes or comments are not known;
    shares that the network hides are left out.
    """
    if not views or likes is None or comments is None:
        return None
    return (Decimal(likes + comments + (shares or 0)) * 100 / views).quantize(_CENT)
