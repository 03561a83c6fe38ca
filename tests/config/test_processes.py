"""What `manage.py up` tells supervisor."""

from configparser import RawConfigParser
from pathlib import Path

from config import processes


class TestConfiguration:
    def bot(self) -> dict[str, str]:
        """The section of the bot."""
        parser = RawConfigParser()
        parser.read_string(processes.configuration(processes.programs(), Path("control.sock")))
        return dict(parser["program:bot"])

    def test_leaves_a_bot_down_that_must_be_mended(self) -> None:
        section = self.bot()
        assert (section["autorestart"], section["exitcodes"]) == ("unexpected", "0,2")

    def test_lets_the_bot_live_long_enough_for_its_exit_code_to_count(self) -> None:
        """Supervisor starts again, up to 20 times, whatever ends within `startsecs`: with a revoked token, too."""
        section = self.bot()
        (pause,) = [word for word in section["command"].split() if word.startswith("--pause=")]
        assert float(pause.removeprefix("--pause=")) > float(section["startsecs"])
