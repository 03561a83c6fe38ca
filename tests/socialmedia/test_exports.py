"""Reading exports."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialmedia import exports
from socialmedia.exports import BrokenExport, Export, ExportedMessage, NotAnExport, UnreadableExport
from tests.socialmedia.export_files import ADA, BOT, document, message, person, write

SAMPLES = Path(exports.__file__).resolve().parents[1] / "followups" / "samples"


def read(path: Path) -> list[ExportedMessage]:
    with Export(path) as export:
        return list(export.messages())


def refusal(path: Path) -> exports.ExportError:
    with pytest.raises(exports.ExportError) as caught:
        read(path)
    return caught.value


class TestHeader:
    def test_names_guild_channel_and_time(self, tmp_path: Path) -> None:
        with Export(write(tmp_path / "a.json", [])) as export:
            header = export.header
        assert (header.guild_id, header.guild_name, header.channel_id, header.channel_name) == (
            "55",
            "Harbor",
            "77",
            "general",
        )
        assert header.exported_at == datetime(2026, 6, 1, tzinfo=UTC)
        assert not header.is_private

    @pytest.mark.parametrize("kind", ["DirectTextChat", "DirectGroupTextChat", "DirectTextGroupChat", 1, 3])
    def test_knows_private_channels(self, tmp_path: Path, kind: Any) -> None:
        with Export(write(tmp_path / "a.json", [], channel={"id": "7", "type": kind})) as export:
            assert export.header.is_private
            assert export.header.is_direct is (kind in {"DirectTextChat", 1})

    def test_may_lack_the_time_of_the_export(self, tmp_path: Path) -> None:
        old = document([message(1)])
        del old["exportedAt"]
        path = tmp_path / "a.json"
        path.write_text(json.dumps(old))
        with Export(path) as export:
            assert export.header.exported_at is None

    def test_is_not_mistaken_for_an_embed_of_a_message(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1, embeds=[{"messages": [1], "channel": {"id": "5"}}])])
        with Export(path) as export:
            assert export.header.channel_id == "77"
            assert len(list(export.messages())) == 1


class TestMessages:
    def test_gives_each_field(self, tmp_path: Path) -> None:
        raw = message(5, content="hé ⚓", timestamp="2024-05-01T12:34:56.7890000+02:00")
        [got] = read(write(tmp_path / "a.json", [raw]))
        assert got.id == 5
        assert got.author == (ADA, "ada", "Ada", False)
        assert got.sent_at == datetime(2024, 5, 1, 10, 34, 56, 789000, tzinfo=UTC)
        assert got.text == "hé ⚓"
        assert not got.is_system

    @pytest.mark.parametrize(
        ("kind", "is_system"),
        [
            ("Default", False),
            ("Reply", False),
            ("20", False),
            ("21", False),
            ("ThreadStarterMessage", False),
            ("GuildMemberJoin", True),
            ("ChannelPinnedMessage", True),
            ("RecipientAdd", True),
            ("8", True),
        ],
    )
    def test_tells_words_from_notes(self, tmp_path: Path, kind: str, is_system: bool) -> None:
        [got] = read(write(tmp_path / "a.json", [message(1, type=kind)]))
        assert got.is_system is is_system

    def test_falls_back_to_the_user_name(self, tmp_path: Path) -> None:
        [got] = read(write(tmp_path / "a.json", [message(1, author=person(ADA, nickname=None))]))
        assert got.author.display_name == "ada"

    def test_knows_bots(self, tmp_path: Path) -> None:
        [got] = read(write(tmp_path / "a.json", [message(1, BOT)]))
        assert got.author.is_bot

    def test_names_the_attachment_of_an_empty_message(self, tmp_path: Path) -> None:
        raw = message(1, content="", attachments=[{"url": "https://x.invalid/a.png", "fileName": "a.png"}])
        [got] = read(write(tmp_path / "a.json", [raw]))
        assert got.text == ""
        assert (got.attachment_url, got.attachment_name) == ("https://x.invalid/a.png", "a.png")

    def test_drops_what_the_database_cannot_store(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1, content="a\x00b", author=person(ADA, nickname="A\x00da" * 200))])
        [got] = read(path)
        assert got.text == "ab"
        assert "\x00" not in got.author.display_name
        assert len(got.author.display_name) == 255

    def test_survives_half_an_emoji(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1, content="HALF")])
        path.write_text(path.read_text().replace("HALF", "\\ud83d"))
        [got] = read(path)
        got.text.encode()

    def test_accepts_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1)])
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert len(read(path)) == 1

    def test_reads_more_than_one_chunk(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(n) for n in range(1, 1001)])
        assert path.stat().st_size > 4 * 64 * 1024
        assert [got.id for got in read(path)] == list(range(1, 1001))

    def test_reports_how_far_it_is(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(n) for n in range(1, 1001)])
        with Export(path) as export:
            messages = export.messages()
            next(messages)
            assert 0 < export.bytes_read < export.size
            list(messages)
            assert export.bytes_read == export.size


class TestBroken:
    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"timestamp": "2026-05-01T12:00:00"}, "no UTC offset"),
            ({"timestamp": "yesterday"}, "is not a time"),
            ({"timestamp": None}, "is not a time"),
            ({"timestamp": "0001-01-01T00:00:00+05:00"}, "out of range"),
            ({"author": None}, "is not a message"),
            ({"author": {"name": "x"}}, "id is missing"),
            ({"author": {"id": "x"}}, "author's id"),
        ],
    )
    def test_names_the_message(self, tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
        error = refusal(write(tmp_path / "a.json", [message(11), message(12, **changes), message(13)]))
        assert isinstance(error, BrokenExport)
        assert (error.ordinal, error.message_id) == (2, "12")
        assert complaint in str(error)
        assert str(error).startswith("Message 2 (id 12): ")

    @pytest.mark.parametrize("number", ["x", "", "-1", "9" * 19, "1" * 25, 1.5, True, None, "٣"])
    def test_refuses_an_id_that_is_none(self, tmp_path: Path, number: Any) -> None:
        error = refusal(write(tmp_path / "a.json", [message(1, id=number)]))
        assert isinstance(error, BrokenExport)
        assert error.ordinal == 1

    @pytest.mark.parametrize("item", [3, "x", None, [], [1]])
    def test_refuses_what_is_not_an_object(self, tmp_path: Path, item: Any) -> None:
        error = refusal(write(tmp_path / "a.json", [message(1), item]))
        assert isinstance(error, BrokenExport)
        assert (error.ordinal, error.message_id) == (2, None)

    @pytest.mark.parametrize("count", [3, 1000])
    def test_says_where_a_truncated_file_ends(self, tmp_path: Path, count: int) -> None:
        path = write(tmp_path / "a.json", [message(n) for n in range(1, count + 1)])
        whole = path.read_bytes()
        cut = whole.index(f'"words {count}"'.encode())
        path.write_bytes(whole[:cut])
        error = refusal(path)
        assert isinstance(error, BrokenExport)
        assert (error.ordinal, error.position) == (count, cut)
        assert "the file ends in the middle" in str(error)

    @pytest.mark.parametrize("bad", [1, 500, 999])
    def test_says_where_the_json_breaks(self, tmp_path: Path, bad: int) -> None:
        path = write(tmp_path / "a.json", [message(n) for n in range(1, 1001)])
        whole = path.read_bytes()
        at = whole.index(f'"words {bad}"'.encode())
        path.write_bytes(whole[:at] + b"#" + whole[at + 1 :])
        error = refusal(path)
        assert isinstance(error, BrokenExport)
        assert (error.ordinal, error.position) == (bad, at)

    def test_refuses_text_that_is_not_utf_8(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1, content="MARK")])
        path.write_bytes(path.read_bytes().replace(b"MARK", b"\xff\xfe"))
        error = refusal(path)
        assert isinstance(error, BrokenExport)
        assert "UTF8" in str(error)

    def test_refuses_something_after_the_end(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1)])
        path.write_bytes(path.read_bytes() + b"{}")
        assert isinstance(refusal(path), BrokenExport)


class TestOtherFiles:
    @pytest.mark.parametrize(
        "content",
        [
            "[]",
            "[1, 2]",
            "3",
            '"messages"',
            "null",
            "{}",
            '{"a": {"messages": []}}',
            '{"messages": []}',
            "hello",
            '{"channel": {"id": "1"}, "messages": {}}',
            '{"channel": {"id": "x"}, "messages": []}',
            "[" * 100_000,
            '{"a":' * 1000,
            "<html></html>",
        ],
    )
    def test_are_told_apart(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "a.json"
        path.write_text(content)
        error = refusal(path)
        assert isinstance(error, NotAnExport)
        assert "\n" not in str(error)

    def test_may_be_missing(self, tmp_path: Path) -> None:
        assert str(refusal(tmp_path / "no.json")) == "There is no such file."

    def test_may_be_a_directory(self, tmp_path: Path) -> None:
        assert "directory" in str(refusal(tmp_path))

    def test_may_be_empty(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").touch()
        assert str(refusal(tmp_path / "a.json")) == "The file is empty."

    def test_may_be_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert isinstance(refusal(tmp_path / "pipe"), UnreadableExport)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
    def test_may_be_closed_to_us(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [])
        path.chmod(0)
        assert "Permission denied" in str(refusal(path))


class TestSamples:
    @pytest.mark.parametrize("name", ["harbor-lights-general.json", "harbor-lights-workshop.json"])
    def test_are_true_exports(self, name: str) -> None:
        messages = read(SAMPLES / name)
        assert len(messages) == json.loads((SAMPLES / name).read_text())["messageCount"]
        for one in messages:
            assert (one.id >> 22) + 1_420_070_400_000 == round(one.sent_at.timestamp() * 1000)
        assert [one.id for one in messages] == sorted({one.id for one in messages})

    def test_hold_two_members_who_went_quiet(self) -> None:
        messages = read(SAMPLES / "harbor-lights-general.json") + read(SAMPLES / "harbor-lights-workshop.json")
        last = {one.author.display_name: one.sent_at for one in sorted(messages, key=lambda one: one.sent_at)}
        assert last["Ada Marsh"].date().isoformat() == "2026-10-14"
        assert last["Bruno Keel"].date().isoformat() == "2026-10-09"
        assert last["Edith Lamplough"].date().isoformat() == "2026-10-31"
