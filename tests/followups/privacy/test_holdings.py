"""No table can be forgotten: each is exported and erased, or somebody has said why it holds nothing about members."""

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import CharField, JSONField, Model, TextField
from django_q.models import OrmQ, Task

from bots.models import BotControl, BotHeartbeat, InvalidRequests, StaffPost, StaffThread
from config.models import ApiToken
from followups.models import Campaign, ErasureReceipt, FollowUp, LlmCircuit, UserProfile
from followups.privacy import redaction
from followups.privacy.holdings import HOLDINGS
from jobs.models import ClusterHeartbeat, DailyFigure, HealthResult, JobTypeUse
from socialmedia.models import (
    Account,
    ApiUsage,
    Channel,
    Conversation,
    Hashtag,
    HashtagDay,
    ImportedRow,
    ListeningGap,
    Message,
    MessageTemplate,
    ProviderBudget,
    SystemSetting,
)

OURS = ("bots", "config", "followups", "jobs", "socialmedia")
HELD = {holding.model for holding in HOLDINGS}
REDACTED = {kept.model for kept in redaction.KEPT} | {Task, OrmQ}
NOT_PERSONAL = {
    ApiToken: "programs' keys",
    ApiUsage: "figures",
    BotHeartbeat: "our own processes",
    Campaign: "settings of a trigger",
    ClusterHeartbeat: "our own processes",
    DailyFigure: "sums",
    ErasureReceipt: "made to name nobody",
    InvalidRequests: "figures",
    Hashtag: "words and figures",
    HashtagDay: "figures",
    HealthResult: "sums and sentences about ourselves",
    JobTypeUse: "figures",
    ImportedRow: "ids of rows",
    ListeningGap: "our own times",
    LlmCircuit: "an endpoint's state",
    MessageTemplate: "texts of the staff, for everybody",
    ProviderBudget: "figures",
    StaffThread: "a thread's id; without its conversation until the bot has deleted the thread",
    SystemSetting: "settings",
}


def tables() -> set[type[Model]]:
    """Every table of ours."""
    models = {model for label in OURS for model in apps.get_app_config(label).get_models()}
    return {model for model in models if model._meta.managed and not model._meta.proxy}  # views show other tables' rows


class TestEveryTable:
    def test_is_held_or_redacted_or_not_personal(self) -> None:
        """Red? A new table: add it to holdings.HOLDINGS, to redaction.KEPT, or to NOT_PERSONAL with its reason."""
        assert tables() - HELD - REDACTED - set(NOT_PERSONAL) == set()

    def test_that_leads_to_a_member_is_held(self) -> None:
        """By any foreign key, also over other tables: profile, account, conversation or message."""
        reached: set[type[Model]] = {UserProfile, Account, Conversation, Message}
        while more := {model for model in tables() - reached if _leads_to(model, reached)}:
            reached |= more

        assert (
            reached - HELD - {MessageTemplate, BotControl, BotHeartbeat, StaffThread} == set()
        )  # their account is one of ours

    def test_says_one_thing_only(self) -> None:
        assert not HELD & set(NOT_PERSONAL)
        assert not set(NOT_PERSONAL) - tables()

    def test_that_is_kept_is_redacted_in_every_column_of_words(self) -> None:
        fixed = {"job_id", "job_type", "status", "worker", "name", "kind", "origin", "settled_by"}
        for kept in redaction.KEPT:
            if kept.model in {FollowUp, Message, StaffPost, Channel}:
                continue  # but for the last they go with their member; others may name them in one place
            words = {
                field.name
                for field in kept.model._meta.concrete_fields
                if isinstance(field, CharField | TextField | JSONField)
            }
            assert words - fixed == set(kept.columns), kept.model

    def test_is_named_once_in_an_export(self) -> None:
        assert len({holding.subject for holding in HOLDINGS}) == len(HOLDINGS)

    def test_knows_djangos_own(self) -> None:
        """Sessions, users, groups and permissions are staff's; migrations and content types are nobody's."""
        others = {model for model in apps.get_models() if model._meta.app_label not in OURS and not model._meta.proxy}
        staffs = {"auth", "contenttypes", "sessions", "knox"}
        rest = {model for model in others if model._meta.app_label not in staffs}
        assert {model.__name__ for model in rest} - {"Schedule"} == {LogEntry.__name__, "Task", "OrmQ"}


def _leads_to(model: type[Model], reached: set[type[Model]]) -> bool:
    return any(
        field.related_model in reached for field in model._meta.concrete_fields if field.many_to_one or field.one_to_one
    )
