import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bots.practice.world import BOT_USER_ID, BrokenExport, Message, World, dm_channel_id, snowflake, snowflake_time

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def export(path: Path, channel: str, *authors: tuple[str, str, bool], guild: str = "77") -> Path:
    rows: list[dict[str, Any]] = [
        {
            "id": str(snowflake(NOW + timedelta(minutes=n))),
            "author": {"id": number, "name": name, "nickname": name.title(), "isBot": is_bot},
            "content": f"message {n}",
            "timestamp": (NOW + timedelta(minutes=n)).isoformat(),
        }
        for n, (number, name, is_bot) in enumerate(authors)
    ]
    document = {
        "guild": {"id": guild, "name": "Harbour"},
        "channel": {"id": channel, "name": f"room-{channel}", "type": "GuildTextChat"},
        "messages": rows[::-1],
    }
    path.write_text(json.dumps(document))
    return path


class TestFromExport:
    def test_joins_the_channels_of_one_community(self, tmp_path: Path) -> None:
        first = export(tmp_path / "a.json", "501", ("1", "ada", False), ("2", "robot", True))
        second = export(tmp_path / "b.json", "502", ("1", "ada", False), ("3", "bo", False))
        world = World.from_export(first, second)
        (guild,) = world.guilds.values()
        assert (guild.name, guild.owner_id) == ("Harbour", 1)
        assert [row.name for row in guild.channels.values()] == ["room-501", "room-502"]
        assert set(guild.members) == {1, 2, 3, BOT_USER_ID}
        assert world.user(2).is_bot
        assert world.user(1).display_name == "Ada"
        assert [row.content for row in world.messages[501].values()] == ["message 0", "message 1"]

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"guild": {"id": "x"}}', '{"guild": null}'])
    def test_names_a_file_that_is_none(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "notes.json"
        path.write_text(text)
        with pytest.raises(BrokenExport, match=r"notes\.json"):
            World.from_export(path)

    def test_refuses_private_messages(self, tmp_path: Path) -> None:
        with pytest.raises(BrokenExport, match="private messages"):
            World.from_export(export(tmp_path / "dm.json", "9", ("1", "ada", False), guild="0"))


class TestIds:
    def test_of_private_channels_are_the_same_for_both_and_in_each_run(self) -> None:
        assert dm_channel_id(1_345_319_652_556_800_000, BOT_USER_ID) == dm_channel_id(
            BOT_USER_ID, 1_345_319_652_556_800_000
        )
        assert dm_channel_id(5, BOT_USER_ID) == 1_201_888_170_224_837_337

    def test_of_private_channels_differ(self) -> None:
        assert len({dm_channel_id(number, BOT_USER_ID) for number in range(20_000)}) == 20_000

    def test_tell_their_time(self) -> None:
        assert snowflake_time(snowflake(NOW)) == NOW
        assert timedelta() <= snowflake_time(dm_channel_id(5, BOT_USER_ID)) - snowflake_time(BOT_USER_ID)

    def test_only_grow(self) -> None:
        world = World.example()
        numbers = [world.new_id(NOW), world.new_id(NOW), world.new_id(NOW - timedelta(days=1))]
        assert numbers == sorted(set(numbers))


class TestNonce:
    def test_is_good_for_five_minutes(self) -> None:
        world = World.example()
        place = next(world.channels())
        row = world.add_message(Message(world.new_id(NOW), place.id, BOT_USER_ID, "Hello", NOW, nonce="n"))
        assert world.with_nonce(BOT_USER_ID, "n", now=NOW + timedelta(minutes=4, seconds=59)) is row
        assert world.with_nonce(BOT_USER_ID, "n", now=NOW + timedelta(minutes=5)) is None
        assert world.with_nonce(place.id, "n", now=NOW) is None
