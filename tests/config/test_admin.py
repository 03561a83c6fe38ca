"""The console as a whole: every list and page answers with few queries, and permissions decide what is offered."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bots.governor import controls
from config.models import ApiToken
from tests.config.factories import make_community, make_key, make_staff
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db

MODELS = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
OURS = [name for name in MODELS if name.startswith(("bots_", "followups_", "jobs_", "socialmedia_"))]
MADE_BY_A_FORM = {"jobs_jobpause", "socialmedia_account", "socialmedia_messagetemplate", "socialmedia_searchrun"}


class TestEveryPage:
    def test_lists_sixty_rows_with_few_queries(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        make_community(60, now=timezone.now())
        for name in MODELS:
            with django_assert_max_num_queries(12, info=name):
                assert boss.get(reverse(f"admin:{name}_changelist")).status_code == 200

    def test_shows_one_row_with_few_queries(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        make_community(12, now=timezone.now())
        shown = set()
        for model in admin.site._registry:
            name, row = f"{model._meta.app_label}_{model._meta.model_name}", model._default_manager.first()
            if name in OURS and row is not None:
                with django_assert_max_num_queries(28, info=name):
                    assert boss.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200
                shown.add(name)
        assert shown >= set(OURS) - {"socialmedia_channel", "socialmedia_chatimport"}

    @pytest.mark.parametrize("name", MODELS)
    def test_takes_any_search(self, boss: Client, name: str) -> None:
        for words in ("ada", "'; --", "900000000000000000", "%", "é" * 300):
            assert boss.get(reverse(f"admin:{name}_changelist"), {"q": words}).status_code == 200

    @pytest.mark.parametrize("name", OURS)
    def test_knows_no_strange_id(self, boss: Client, name: str) -> None:
        for pk in ("nobody", "a%00b", "x" * 3000):
            response = boss.get(reverse(f"admin:{name}_changelist") + f"{pk}/change/")
            assert response.status_code in {302, 404}, pk

    @pytest.mark.parametrize("name", sorted({*OURS} - MADE_BY_A_FORM))
    def test_has_no_form_that_saves(self, boss: Client, name: str) -> None:
        assert boss.get(reverse(f"admin:{name}_add")).status_code == 403


class TestFirstPage:
    def test_has_few_queries(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        make_community(10, now=timezone.now())
        with django_assert_max_num_queries(30):
            page = boss.get(reverse("admin:index"))
        assert page.status_code == 200

    def test_its_figures_are_true_and_lead_to_their_rows(self, boss: Client) -> None:
        make_community(30, now=timezone.now())
        page = boss.get(reverse("admin:index"))
        figures = {(group.title, figure.label): figure for group in page.context["groups"] for figure in group.figures}
        assert figures["People", "Members"].value == "30"
        assert figures["People", "Opted in"].value == "20"
        assert figures["Follow-ups", "Sent in 7 days"].value == "6"
        waiting = figures["For a person to look at", "Open flags"], figures["For a person to look at", "Drafts"]
        assert all(figure.value != "0" and figure.color for figure in waiting)
        for key, figure in figures.items():
            rows = boss.get(figure.address)
            assert rows.status_code == 200, key
            assert str(rows.context["cl"].result_count) == figure.value, key

    def test_shows_only_what_one_may_see(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))
        page = client.get(reverse("admin:index"))
        assert [group.title for group in page.context["groups"]] == ["Jobs"]
        assert reverse("admin:followups_userprofile_changelist") not in page.content.decode()

    def test_says_that_the_bot_was_stopped(self, boss: Client) -> None:
        controls.stop(make_bot().pk, by="ann", now=timezone.now())
        assert "The bot was stopped by ann" in boss.get(reverse("admin:index")).content.decode()

    def test_says_that_nothing_runs(self, boss: Client) -> None:
        page = boss.get(reverse("admin:index"))
        assert "No cluster has ever run." in page.content.decode()

    def test_loads_nothing_from_elsewhere(self, boss: Client) -> None:
        page = boss.get(reverse("admin:index")).content.decode()
        assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page)


class TestApiKeys:
    def test_shows_the_key_once(self, boss: Client) -> None:
        page = boss.post(reverse("admin:config_apitoken_add"), {"name": "nightly", "scopes": ["jobs:read"]})
        secret = page.context["new"].secret
        assert secret in page.content.decode()
        token = ApiToken.objects.get(name="nightly")
        for address in (
            reverse("admin:config_apitoken_changelist"),
            reverse("admin:config_apitoken_change", args=[token.pk]),
            reverse("admin:index"),
        ):
            assert secret not in boss.get(address).content.decode()

    def test_asks_for_a_name_and_scopes(self, boss: Client) -> None:
        page = boss.post(reverse("admin:config_apitoken_add"), {"name": "", "scopes": ["everything"]})
        assert page.status_code == 200
        assert not ApiToken.objects.exists()

    def test_are_made_only_by_those_who_may(self, client: Client) -> None:
        make_key("jobs:read")
        client.force_login(make_staff("config.view_apitoken"))
        response = client.post(reverse("admin:config_apitoken_add"), {"name": "n", "scopes": ["jobs:read"]})
        assert response.status_code == 403
        assert ApiToken.objects.count() == 1

    def test_can_be_deleted(self, boss: Client) -> None:
        make_key("jobs:read")
        token = ApiToken.objects.get()
        boss.post(reverse("admin:config_apitoken_delete", args=[token.pk]), {"post": "yes"})
        assert not ApiToken.objects.exists()
