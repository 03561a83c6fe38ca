"""What the documents say of the project's own files and tests is there."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

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
