"""The console's pages of actions, limits and settings."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from socialmedia import rules
from socialmedia.models import AutomationAction, StaffReply, SystemSetting
from socialmedia.rules import Allowance
from tests.config.factories import make_staff
from tests.socialmedia.factories import make_action, make_bot, make_conversation, make_tiktok_account

DAY = timedelta(days=1)


def page_of(action: AutomationAction, page: str = "change") -> str:
    return f"{reverse('admin:socialmedia_automationaction_changelist')}{action.pk}/{page}/"


def setting(key: str, page: str = "change") -> str:
    return reverse("admin:socialmedia_systemsetting_changelist") + f"{key}/{page}/".replace("_", "_5F", key.count("_"))


def words(response: Any) -> str:
    """What people read on a page."""
    return re.sub(r"\s+", " ", strip_tags(response.content.decode()))


@pytest.mark.django_db
class TestActionList:
    def test_filters_by_outcome_account_and_day(self, boss: Client) -> None:
        shop, now = make_tiktok_account("shop"), timezone.now()
        rows = {
            "done": make_action(shop, success=True),
            "failed": make_action(shop, success=False),
            "open": make_action(shop, now=now - DAY + timedelta(minutes=1)),
            "unknown": make_action(shop, now=now - DAY),
        }
        make_action(None, now=now - 9 * DAY, success=True)

        def found(**query: Any) -> list[int]:
            page = boss.get(reverse("admin:socialmedia_automationaction_changelist"), query)
            return [row.pk for row in page.context["cl"].result_list]

        for outcome in ("failed", "open", "unknown"):
            assert found(outcome=outcome) == [rows[outcome].pk]
        assert set(found(by=shop.pk)) == {row.pk for row in rows.values()}
        assert len(found(by="deleted")) == 1
        assert len(found(by="²")) == 5
        assert len(found(action_date_from=(now - 2 * DAY).date())) == 4

    def test_names_the_account_that_was_deleted(self, boss: Client) -> None:
        make_action(None, target_username="<b>ada")
        page = boss.get(reverse("admin:socialmedia_automationaction_changelist"))
        assert "gone (TikTok), deleted" in words(page)
        assert "<b>ada" not in page.content.decode()


@pytest.mark.django_db
class TestActionPage:
    @pytest.mark.parametrize(("page", "success"), [("done", True), ("not-done", False)])
    def test_takes_a_persons_word_for_an_open_one(self, boss: Client, page: str, success: bool) -> None:
        action = make_action(make_tiktok_account(), now=timezone.now() - 3 * DAY)
        shown = boss.get(page_of(action))
        assert "Outcome unknown" in words(shown)
        assert page_of(action, page) in shown.content.decode()
        boss.get(page_of(action, page))
        action.refresh_from_db()
        assert action.success is None  # asking changes nothing
        boss.post(page_of(action, page), {"reason": "The post is gone." if not success else ""})
        action.refresh_from_db()
        assert (action.success, action.error_message) == (success, "" if success else "The post is gone.")
        assert page_of(action, page) not in boss.get(page_of(action)).content.decode()
        again = boss.post(page_of(action, "done"), follow=True)
        assert "Nothing was changed" in words(again)

    def test_leaves_a_reply_to_its_conversation(self, boss: Client) -> None:
        shop = make_tiktok_account()
        action, thread = make_action(shop, "message"), make_conversation(shop)
        fields = {"text": "Hi!", "rendered_text": "Hi!", "status": "ready", "action": action, "author": make_staff()}
        reply = StaffReply.objects.create(conversation=thread, **fields)
        shown = boss.get(page_of(action)).content.decode()
        assert page_of(action, "done") not in shown
        assert reverse("admin:socialmedia_conversation_change", args=[thread.pk]) in shown
        boss.post(page_of(action, "done"))
        action.refresh_from_db()
        assert action.success is None
        StaffReply.objects.filter(pk=reply.pk).update(status="cancelled")
        assert page_of(action, "done") in boss.get(page_of(action)).content.decode()

    def test_says_why_it_failed(self, boss: Client) -> None:
        shop = make_tiktok_account()
        failed = make_action(shop, success=False, error_message="Gone <b>", error_code="404")
        shown = boss.get(page_of(failed)).content.decode()
        assert "Gone &lt;b&gt;" in shown
        assert "Why it failed" not in boss.get(page_of(make_action(shop, success=True))).content.decode()

    def test_links_only_to_safe_addresses(self, boss: Client) -> None:
        shop = make_tiktok_account()
        bad = boss.get(page_of(make_action(shop, target_url="javascript:alert(1)"))).content.decode()
        assert 'href="javascript' not in bad
        good = boss.get(page_of(make_action(shop, target_url='https://x.com/"><script>'))).content.decode()
        assert 'href="https://x.com/&quot;&gt;&lt;script&gt;" target="_blank" rel="noopener noreferrer"' in good
        assert "<script>" not in good.split("What is next")[1].split("</section>")[0]

    def test_is_for_those_who_may(self, client: Client) -> None:
        action = make_action(make_tiktok_account())
        client.force_login(make_staff("socialmedia.view_automationaction"))
        assert client.get(page_of(action)).status_code == 200
        assert client.post(page_of(action, "done")).status_code == 403
        assert client.get(reverse("admin:socialmedia_record_action")).status_code == 403

    def test_hides_the_limits_from_others(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))
        assert client.get(reverse("admin:socialmedia_limits")).status_code == 403


@pytest.mark.django_db(transaction=True)
class TestRecord:
    def post(self, boss: Client, **values: Any) -> Any:
        return boss.post(reverse("admin:socialmedia_record_action"), values, follow=True)

    def test_takes_a_place_and_shows_where_to_go(self, boss: Client) -> None:
        shop, bot = make_tiktok_account(), make_bot()
        form = boss.get(reverse("admin:socialmedia_record_action"))
        assert f'value="{shop.pk}"' in form.content.decode()
        assert f'value="{bot.pk}"' not in form.content.decode()
        values = {"account": shop.pk, "action_type": "message", "target": "@ada.b", "content_text": "So good!"}
        page = self.post(boss, **values)
        action = AutomationAction.objects.get()
        assert page.redirect_chain[0][0] == page_of(action)
        assert 'href="https://www.tiktok.com/@ada.b"' in page.content.decode()
        assert (action.target_type, action.target_username, action.content_text) == ("user", "ada.b", "So good!")
        assert (action.triggered_by, action.success) == ("manual", None)
        self.post(boss, **values)  # a second click
        assert AutomationAction.objects.count() == 1

    def test_says_why_there_is_no_place(self, boss: Client) -> None:
        shop = make_tiktok_account()
        rules.change(rules.RATE_LIMITS, {"like": {"daily": 0}}, by="ann", now=timezone.now())
        page = self.post(boss, account=shop.pk, action_type="like", target="https://www.tiktok.com/@a/video/1")
        assert "shop (TikTok) may not like at all: its limit is 0." in words(page)
        SystemSetting.objects.filter(pk=rules.RATE_LIMITS).update(setting_value=[])
        page = self.post(boss, account=shop.pk, action_type="like", target="https://www.tiktok.com/@a/video/1")
        assert "The setting automation_rate_limits is broken" in words(page)
        assert not AutomationAction.objects.exists()

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"action_type": "like"}, "Say to what or to whom."),
            ({"action_type": "comment", "target": "@ada"}, "A comment has words."),
            ({"action_type": "search"}, "A search has words."),
            ({"action_type": "like", "target": "@ada"}, "This is done to a post: give its address."),
            ({"action_type": "follow", "target": "#cats"}, "This is done to an account: give its @handle."),
            ({"action_type": "like", "target": "javascript:alert(1)"}, "This is no address beginning with https://"),
            ({"action_type": "like", "target": "http://tiktok.com/x"}, "This is no address beginning with https://"),
            ({"action_type": "like", "target": "a\x00b"}, "Null characters are not allowed."),
            ({"action_type": "dance", "target": "@ada"}, "Select a valid choice."),
        ],
    )
    def test_refuses_what_cannot_be_done(self, boss: Client, values: dict[str, str], sentence: str) -> None:
        page = self.post(boss, account=make_tiktok_account().pk, **values)
        assert sentence in words(page)
        assert not AutomationAction.objects.exists()

    def test_keeps_a_hashtag_and_an_address(self, boss: Client) -> None:
        shop = make_tiktok_account()
        self.post(boss, account=shop.pk, action_type="view", target="#Cats")
        self.post(boss, account=shop.pk, action_type="search", content_text="cats")
        rows = AutomationAction.objects.order_by("pk").values_list("target_type", "target_id", "target_url")
        assert list(rows) == [("hashtag", "Cats", "https://www.tiktok.com/tag/Cats"), ("", "", "")]


@pytest.mark.django_db
class TestLimitsPage:
    def test_shows_what_is_used_and_when_the_next_is_free(
        self, boss: Client, django_assert_max_num_queries: Any
    ) -> None:
        shop, now = make_tiktok_account("shop", timezone="Asia/Tokyo"), timezone.now()
        rules.change(rules.RATE_LIMITS, {"like": {"hourly": 2}, "comment": {"daily": 0}}, by="ann", now=now)
        for success in (True, False):
            make_action(shop, success=success)
        make_action(shop, "view")
        with django_assert_max_num_queries(28):
            page = boss.get(reverse("admin:socialmedia_limits"))
        rows = {row[0]: [strip_tags(str(cell)).strip() for cell in row[1:]] for row in page.context["panels"][0].rows}
        assert rows["Like"][0] == "2 of 2"
        assert rows["Like"][2].startswith("Full")
        assert rows["Like"][2].endswith("JST (+09:00)")
        assert rows["Comment"] == ["0", "0 of 0", "Never"]
        assert rows["View"] == ["1", "1", "Now"]
        days = page.context["panels"][1]
        assert days.headers == ["Day", "Like", "View"]
        assert days.rows[0][1:] == ("2, 1 failed", "1, 1 not confirmed")
        assert page.context["charts"][0].summary.startswith("3 in 30 days")

    def test_shows_the_chosen_account(self, boss: Client) -> None:
        make_tiktok_account("aaa")
        other = make_tiktok_account("bbb")
        assert "bbb (TikTok) now" in words(boss.get(reverse("admin:socialmedia_limits"), {"account": other.pk}))
        assert boss.get(reverse("admin:socialmedia_limits"), {"account": "x'"}).status_code == 200

    def test_says_that_there_is_none_and_that_nothing_is_allowed(self, boss: Client) -> None:
        assert "add one under Accounts" in words(boss.get(reverse("admin:socialmedia_limits")))
        make_tiktok_account()
        SystemSetting.objects.filter(pk=rules.RATE_LIMITS).update(setting_value={"like": 5})
        assert "Nothing may be done now." in words(boss.get(reverse("admin:socialmedia_limits")))


@pytest.mark.django_db
class TestSettingsPages:
    def limits(self, **values: Any) -> dict[str, Any]:
        given = {
            f"{kind}_{span}": most
            for kind, spans in rules.DEFAULTS[rules.RATE_LIMITS].items()
            for span, most in spans.items()
        }
        return {**given, **values}

    def test_asks_before_it_changes_a_limit_and_remembers_who_did(self, boss: Client) -> None:
        form = boss.get(setting(rules.RATE_LIMITS, "edit"))
        seen = form.context["question"].form.initial["seen"]
        given = self.limits(like_hourly=200, view_daily=7, seen=seen)
        asked = boss.post(setting(rules.RATE_LIMITS, "edit"), given)
        assert "Like, in any 60 minutes: 200 instead of 20. View, on its day: 7 instead of no limit." in words(asked)
        assert rules.rate_limits()["like"] == Allowance(20, 100)
        done = boss.post(setting(rules.RATE_LIMITS, "edit"), {**given, "confirmed": "1"}, follow=True)
        assert rules.rate_limits()["like"] == Allowance(200, 100)
        assert rules.rate_limits()["view"] == Allowance(None, 7)
        assert "the hourly limit of 200 is never reached" in words(done)
        assert "Like, in any 60 minutes: 200 instead of 20." in LogEntry.objects.get().change_message
        assert SystemSetting.objects.get(pk=rules.RATE_LIMITS).updated_by == "boss"

    def test_does_not_write_over_somebody_elses_change(self, boss: Client) -> None:
        seen = boss.get(setting(rules.RATE_LIMITS, "edit")).context["question"].form.initial["seen"]
        rules.change(rules.RATE_LIMITS, {"like": {"daily": 1}}, by="ann", now=timezone.now())
        late = boss.post(setting(rules.RATE_LIMITS, "edit"), self.limits(seen=seen, confirmed="1"), follow=True)
        assert "Somebody else changed it meanwhile." in words(late)
        assert rules.rate_limits() == {"like": Allowance(None, 1)}

    def test_goes_back_to_the_defaults(self, boss: Client) -> None:
        SystemSetting.objects.filter(pk=rules.RATE_LIMITS).update(setting_value={"like": "broken"})
        assert "Broken" in words(boss.get(setting(rules.RATE_LIMITS)))
        boss.get(setting(rules.RATE_LIMITS, "defaults"))
        assert "Broken" in words(boss.get(reverse("admin:socialmedia_systemsetting_changelist")))
        boss.post(setting(rules.RATE_LIMITS, "defaults"))
        assert rules.rate_limits()["like"] == Allowance(20, 100)

    def test_reads_hours(self, boss: Client) -> None:
        form = boss.get(setting(rules.CHECK_SCHEDULE, "edit")).context["question"].form
        assert form.initial["hours"] == "1, 6, 12, 24, 48, 72, 168, 336, 720"
        given = {"hours": "0.5, 1,24", "seen": form.initial["seen"]}
        asked = boss.post(setting(rules.CHECK_SCHEDULE, "edit"), given)
        assert "Check 1: after 0.5 hours instead of after 1 hour" in words(asked)
        boss.post(setting(rules.CHECK_SCHEDULE, "edit"), {**given, "confirmed": "1"})
        assert [(check.hours, check.name) for check in rules.check_offsets()] == [
            (0.5, "0.5 hours"),
            (1, "1 hour"),
            (24, "1 day"),
        ]

    @pytest.mark.parametrize(
        ("key", "given", "sentence"),
        [
            (rules.RATE_LIMITS, {"like_daily": "-1"}, "greater than or equal to 0"),
            (rules.RATE_LIMITS, {"like_daily": "many"}, "Enter a whole number"),
            (rules.RATE_LIMITS, {}, "At least one action has a limit."),
            (rules.CHECK_SCHEDULE, {"hours": "6, 1"}, "Offset 2 (1) does not come after"),
            (rules.CHECK_SCHEDULE, {"hours": "1, soon"}, "no number of hours"),
            (rules.CHECK_SCHEDULE, {"hours": "nan"}, "no number of hours"),
            (rules.CHECK_SCHEDULE, {"hours": ""}, "This field is required"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, boss: Client, key: str, given: dict[str, str], sentence: str) -> None:
        page = boss.post(setting(key, "edit"), {**given, "confirmed": "1"})
        assert sentence in words(page).replace("&#x27;", "'")
        assert SystemSetting.objects.get(pk=key).setting_value == rules.DEFAULTS[key]

    def test_brings_back_deleted_rows_and_leaves_strange_ones(self, boss: Client) -> None:
        SystemSetting.objects.all().delete()
        SystemSetting.objects.create(setting_key="theirs", setting_value=1)
        assert "Not used" in words(boss.get(reverse("admin:socialmedia_systemsetting_changelist")))
        assert SystemSetting.objects.count() == 3
        assert boss.get(setting("theirs")).status_code == 200
        assert boss.get(setting("theirs", "edit")).status_code == 404

    def test_are_changed_only_by_those_who_may(self, client: Client) -> None:
        client.force_login(make_staff("socialmedia.view_systemsetting"))
        assert client.get(setting(rules.RATE_LIMITS)).status_code == 200
        assert client.post(setting(rules.RATE_LIMITS, "defaults")).status_code == 403
