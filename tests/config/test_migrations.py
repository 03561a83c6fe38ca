"""The migrations: ways back as well as forth. Whether they are complete, `make lint` asks."""

import pytest
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

APPS = {"config", "followups", "jobs", "socialmedia"}
OURS = [migration for (app, _), migration in MigrationLoader(None).disk_migrations.items() if app in APPS]


class TestMigrations:
    @pytest.mark.parametrize("migration", OURS, ids=str)
    def test_can_be_undone(self, migration: Migration) -> None:
        assert [operation for operation in migration.operations if not operation.reversible] == []

    def test_have_one_first_migration_for_each_app(self) -> None:
        assert sorted(migration.app_label for migration in OURS if migration.initial) == sorted(APPS)
