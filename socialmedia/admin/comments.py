"""The console's pages of comments."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from jobs import console
from socialmedia.admin.words import shortened
from socialmedia.models import Comment, Platform, Post, Sentiment

SHOWN = 20
COLORS = {Sentiment.POSITIVE: "success", Sentiment.NEUTRAL: "info", Sentiment.NEGATIVE: "danger"}


def feeling(row: Comment) -> SafeString | str:
    """Render how a comment sounds."""
    if not row.sentiment:
        return console.NOTHING
    label = Sentiment(row.sentiment)
    return console.pill(str(label.label), COLORS[label])


def figure(value: int | None) -> str:
    """Say a number that may not be known."""
    return console.NOTHING if value is None else f"{value:,}"


def author(row: Comment) -> str:
    """Say who wrote it."""
    return f"@{row.author_username}" if row.author_username else row.author_display_name or console.NOTHING


def title(post: Post) -> str:
    """Name a post in a list."""
    return shortened(post.caption, 40) or post.external_post_id


@admin.register(Comment)
class CommentAdmin(console.ConsoleAdmin):
    """Comments below posts, the latest stored first."""

    list_display = ("written", "post_link", "who", "words", "likes", "sounds", "answers")
    list_filter = (
        ("sentiment", ChoicesDropdownFilter),
        ("is_reply", BooleanRadioFilter),
        ("platform", ChoicesDropdownFilter),
    )
    search_fields = ("author_username__exact",)
    search_help_text = "Exact handle or id of the author"
    sortable_by = ()
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("words_in_full", "who_in_full", "post_link", "parent_link")}),
        ("Figures", {"fields": ("likes", "answers_in_full", "sounds_in_full")}),
        ("Times", {"fields": ("written_in_full", "changed", "first_seen", "last_seen")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        """Leave what providers said where it is: it is long, and no page shows it."""
        rows: QuerySet[Comment] = super().get_queryset(request)
        return rows.select_related("post", "parent_comment").defer(
            "raw_data", "post__raw_data", "parent_comment__raw_data"
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search with the network, which the indexes of the handle and of the id lead with."""
        term = search_term.strip().removeprefix("@").replace("\x00", "")
        if not term:
            return queryset, False
        is_theirs = Q(author_username__in={term, term.lower()}) | Q(author_id=term)
        return queryset.filter(is_theirs, platform__in=Platform.values), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the links from a post and from a comment."""
        linked = {"post__id__exact", "parent_comment__id__exact"}
        return lookup in linked or super().lookup_allowed(lookup, value, request)

    def panels(self, request: HttpRequest, obj: Comment) -> list[console.Panel]:
        """Show the answers."""
        rows = obj.replies.defer("raw_data").order_by("commented_at", "pk")[: SHOWN + 1]
        more = console.listing(Comment, "All answers", parent_comment__id__exact=str(obj.pk))
        return [
            console.Panel(
                "Answers",
                ["Written", "By", "Words", "Likes", "Sounds"],
                [
                    (
                        console.when(row.commented_at),
                        author(row),
                        console.link(row, shortened(row.comment_text) or console.NOTHING),
                        figure(row.likes_count),
                        feeling(row),
                    )
                    for row in rows[:SHOWN]
                ],
                empty="None is stored here.",
                footer=more if len(rows) > SHOWN else "",
            )
        ]

    @admin.display(description="Written")
    def written(self, row: Comment) -> object:
        return console.when(row.commented_at)

    @admin.display(description="Post")
    def post_link(self, row: Comment) -> object:
        return console.link(row.post, title(row.post))

    @admin.display(description="By")
    def who(self, row: Comment) -> str:
        return author(row)

    @admin.display(description="Words")
    def words(self, row: Comment) -> str:
        return shortened(row.comment_text) or console.NOTHING

    @admin.display(description="Likes")
    def likes(self, row: Comment) -> str:
        return figure(row.likes_count)

    @admin.display(description="Sounds")
    def sounds(self, row: Comment) -> object:
        return feeling(row)

    @admin.display(description="Answers")
    def answers(self, row: Comment) -> object:
        return "Is one" if row.is_reply else f"{row.replies_count:,}"

    @admin.display(description="Words")
    def words_in_full(self, row: Comment) -> str:
        return row.comment_text or console.NOTHING

    @admin.display(description="By")
    def who_in_full(self, row: Comment) -> str:
        name = f" ({row.author_display_name})" if row.author_display_name else ""
        return f"{author(row)}{name}{', who wrote the post' if row.is_creator_reply else ''}"

    @admin.display(description="Answers to")
    def parent_link(self, row: Comment) -> object:
        if row.parent_comment is None:
            return "A comment that is not stored here" if row.is_reply else console.NOTHING
        return console.link(row.parent_comment, shortened(str(row.parent_comment)))

    @admin.display(description="Answers")
    def answers_in_full(self, row: Comment) -> str:
        return f"{row.replies_count:,} stored here; the network counts {row.api_reply_count:,}"

    @admin.display(description="Sounds")
    def sounds_in_full(self, row: Comment) -> object:
        if row.sentiment_score is None:
            return "Not known: no English words and no telling emoji"
        return f"{row.get_sentiment_display()}, {row.sentiment_score:+} of -1 to +1"

    @admin.display(description="Written")
    def written_in_full(self, row: Comment) -> object:
        return console.exactly(row.commented_at)

    @admin.display(description="Found changed")
    def changed(self, row: Comment) -> object:
        return console.exactly(row.edited_at)

    @admin.display(description="First seen")
    def first_seen(self, row: Comment) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="Last seen")
    def last_seen(self, row: Comment) -> object:
        return console.exactly(row.updated_at)
