"""What the documents say of the project's own files and tests is there."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.utils import timezone

from followups.policy import Gate
from followups.topics import TOPIC_OF
from jobs import cleanup, custom, enqueue, figures, registry, runner
from jobs.models import ScheduledJob
from tests.support import CHECKOUT

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
TESTS = "\n".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_link_only_to_files_that_exist(self, page: Path) -> None:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
        assert [link for link in links if not (page.parent / link).exists()] == []

    def test_about_benchmarks_name_every_script(self) -> None:
        named = set(re.findall(r"^## (\w+\.py)", (CHECKOUT / "benchmarks" / "README.md").read_text(), flags=re.M))
        scripts = {path.name for path in (CHECKOUT / "benchmarks").glob("*.py") if "__main__" in path.read_text()}
        assert named == scripts

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_name_only_commands_that_exist(self, page: Path) -> None:
        text = page.read_text()
        commands = set(re.findall(r"manage\.py ([a-z_]+)", text))
        targets = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", text))
        makefile = (CHECKOUT / "Makefile").read_text()
        assert commands <= set(get_commands())
        assert [target for target in targets if f"\n{target}:" not in makefile] == []


class TestGuarantees:
    def test_name_tests_that_exist(self) -> None:
        text = (CHECKOUT / "docs" / "guarantees.md").read_text()
        files = re.findall(r"`(tests/[\w/]+\.py)`", text)
        names = re.findall(r"`(Test\w+)(?:\.(test_\w+))?`", text)
        assert files
        assert names
        assert [file for file in files if not (CHECKOUT / file).exists()] == []
        assert [name for name, _ in names if f"class {name}:" not in TESTS] == []
        assert [test for _, test in names if test and f"def {test}(" not in TESTS] == []


class TestFollowUps:
    def test_list_the_gates_in_their_order_and_every_trigger_with_its_topic(self) -> None:
        text = (CHECKOUT / "docs" / "follow-ups.md").read_text()
        gates = text.split("<!-- gates -->")[1].split("<!-- end -->")[0]
        triggers = text.split("## What stops one")[0]

        assert re.findall(r"^\| `(\w+)`", gates, flags=re.M) == [gate.value for gate in Gate]
        listed = re.findall(r"^\| `(\w+)` .* \| `(\w+)` \|$", triggers, flags=re.M)
        assert dict(listed) == {str(trigger): str(topic) for trigger, topic in TOPIC_OF.items()}


@pytest.mark.django_db(transaction=True)
class TestJobTypes:
    """The examples of docs/job-types.md, in their order, as one module."""

    @pytest.fixture
    def examples(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        for module, name in (
            (registry, "_handlers"),
            (custom, "_callables"),
            (cleanup, "_types"),
            (figures, "_collectors"),
        ):
            monkeypatch.setattr(module, name, dict(getattr(module, name)))
        text = (CHECKOUT / "docs" / "job-types.md").read_text()
        module: dict[str, Any] = {"__name__": "examples"}
        blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
        assert len(blocks) == 5
        for block in blocks:
            exec(block, module)  # noqa: S102
        return module

    def test_run_and_do_what_they_say(self, examples: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
        assert runner.run_once() == 2
        assert "Hello, Ada!" in (printed := capsys.readouterr().out)
        assert "Watering the roses." in printed
        assert set(ScheduledJob.objects.values_list("status", flat=True)) == {"completed"}
        with pytest.raises(enqueue.InvalidJob, match=r"A greeting needs a name\."):
            enqueue.schedule_job("greeting", timezone.now(), {"name": " "})

    def test_take_part_in_the_clean_up_and_the_figures(self, examples: dict[str, Any]) -> None:
        now = timezone.now()
        assert [found.kind for found in cleanup.survey("staff_log", now=now)] == ["staff_log"]
        assert figures.collect((now - timedelta(days=1)).date(), now=now)["staff.actions"] == 0

    def test_every_type_that_is_built_in_is_described(self) -> None:
        text = (CHECKOUT / "docs" / "job-types.md").read_text()
        modules = {name: registry.find(name).function.__module__ for name in registry.job_types()}
        built_in = [name for name, module in modules.items() if not module.startswith("tests")]
        assert "post_check" in built_in
        assert [name for name in built_in if f"| `{name}` |" not in text] == []

    @pytest.mark.usefixtures("examples")
    def test_every_type_of_clean_up_is_described(self) -> None:
        text = (CHECKOUT / "docs" / "job-types.md").read_text()
        assert [name for name in cleanup.types() if f"| `{name}` |" not in text] == ["staff_log"]
