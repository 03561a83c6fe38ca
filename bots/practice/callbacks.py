"""The bot's answers to interactions, and what it does to them for a quarter of an hour."""

from collections.abc import Callable

from bots.practice import components, drafts, interactions, payloads, uploads
from bots.practice.calls import Call, Route
from bots.practice.community import Community
from bots.practice.interactions import INTERACTION_LIFE, INTERACTION_TIME, Interaction
from bots.practice.refusals import Refusal, invalid_form, unknown
from bots.practice.uploads import Upload
from bots.practice.world import Attachment, Json, Message

MESSAGE, MESSAGE_LATER, EDIT_LATER, EDIT, CHOICES, FORM = 4, 5, 6, 7, 8, 9
"""How a bot may answer an interaction."""
MOST_CHOICES = 25


class Callbacks:
    """The endpoints that ask for an interaction's token instead of the bot's."""

    def __init__(self, community: Community) -> None:
        self.community = community
        self.world = community.world

    def routes(self) -> list[Route]:
        hook = "/webhooks/{application_id}/{token}"
        answer = hook + "/messages/{message_id}"
        return [
            ("POST", "/interactions/{interaction_id}/{token}/callback", self.callback),
            ("POST", hook, self.follow_up),
            ("GET", answer, self.answer),
            ("PATCH", answer, self.edit_answer),
            ("DELETE", answer, self.delete_answer),
        ]

    def _interaction(self, call: Call) -> Interaction:
        row = self.community.interactions.get(call.text("token"))
        if row is None:
            raise unknown(10015, "Webhook")
        if self.community.now() - row.asked_at > INTERACTION_LIFE:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return row

    def callback(self, call: Call) -> Json | None:
        row = self.community.interactions.get(call.text("token"))
        late = row is not None and self.community.now() - row.asked_at > INTERACTION_TIME
        if row is None or late or row.id != call.number("interaction_id"):
            raise unknown(10062, "interaction")
        if row.is_acknowledged:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        kind, data = int(call.body["type"]), call.body.get("data") or {}
        message = self._respond(row, kind, data, call.files)
        if call.request.query.get("with_response") not in ("1", "true"):
            return None
        return _callback_answer(row, kind, None if message is None else payloads.message(self.world, message))

    def _respond(self, row: Interaction, kind: int, data: Json, files: list[Upload]) -> Message | None:
        respond = self._RESPONSES.get(kind)
        if respond is None or not _may_answer(row, kind):
            raise invalid_form("type", "UNION_TYPE_CHOICES", f"Interaction of type {row.kind} takes no answer {kind}.")
        message = respond(self, row, data, files)
        if not row.is_acknowledged:
            row.is_acknowledged = True
            row.touch()
            self.community.announce("answered", row)
        return message

    def _respond_message(self, row: Interaction, data: Json, files: list[Upload]) -> Message:
        drafts.checked(data, files=files, at="data.")
        row.is_ephemeral = drafts.is_ephemeral(data)
        row.is_acknowledged = True
        return self._answer(row, data, files, original=True, ephemeral=row.is_ephemeral)

    def _answer(self, row: Interaction, data: Json, files: list[Upload], *, original: bool, ephemeral: bool) -> Message:
        attached = self._attached(files)
        return self.community.answer(row, data, ephemeral=ephemeral, original=original, files=attached)

    def _attached(self, files: list[Upload]) -> list[Attachment]:
        return uploads.attached(self.world, files, now=self.community.now())

    def _respond_later(self, row: Interaction, data: Json, _files: list[Upload]) -> None:
        row.is_deferred, row.is_ephemeral = True, drafts.is_ephemeral(data)

    def _respond_edit_later(self, row: Interaction, _data: Json, _files: list[Upload]) -> None:
        # What the bot calls the original from now on is the message that was pressed.
        row.original = row.on_message

    def _respond_edit(self, row: Interaction, data: Json, files: list[Upload]) -> Message | None:
        if row.on_message is None:
            return None
        drafts.checked(data, files=files, edited=True, at="data.")
        row.original = self.community.edit(row.on_message, data, files=self._attached(files))
        return row.original

    def _respond_choices(self, row: Interaction, data: Json, _files: list[Upload]) -> None:
        choices = data.get("choices") or []
        if len(choices) > MOST_CHOICES:
            text = f"Must be {MOST_CHOICES} or fewer in length."
            raise invalid_form("data.choices", "BASE_TYPE_MAX_LENGTH", text)
        row.choices = choices

    def _respond_form(self, row: Interaction, data: Json, _files: list[Upload]) -> None:
        components.check_form(data)
        row.modal = data

    def follow_up(self, call: Call) -> Json:
        row = self._interaction(call)
        if not row.is_acknowledged:
            raise unknown(10015, "Webhook")
        data = drafts.checked(call.body, files=call.files)
        # The first message after "is thinking" takes its place, and is as private as that was.
        first = row.is_deferred and row.original is None
        own = drafts.is_ephemeral(data)
        ephemeral = row.is_ephemeral if first else own
        message = self._answer(row, data, call.files, ephemeral=ephemeral, original=first)
        return payloads.message(self.world, message)

    def _answered(self, call: Call) -> tuple[Interaction, Message]:
        row = self._interaction(call)
        wanted = call.text("message_id")
        found = row.original if wanted == "@original" else None
        for message in row.answers:
            if str(message.id) == wanted:
                found = message
        if found is None:
            raise unknown(10008, "Message")
        return row, found

    def answer(self, call: Call) -> Json:
        return payloads.message(self.world, self._answered(call)[1])

    def edit_answer(self, call: Call) -> Json:
        row = self._interaction(call)
        data = drafts.checked(call.body, files=call.files, edited=True)
        if call.text("message_id") == "@original" and row.is_deferred and row.original is None:
            message = self._answer(row, data, call.files, ephemeral=row.is_ephemeral, original=True)
        else:
            message = self.community.edit(self._answered(call)[1], data, files=self._attached(call.files))
            row.touch()
        return payloads.message(self.world, message)

    def delete_answer(self, call: Call) -> None:
        row, message = self._answered(call)
        self.community.delete(message)
        row.answers = [each for each in row.answers if each is not message]
        if row.original is message:
            row.original = None

    _RESPONSES: dict[int, Callable[["Callbacks", Interaction, Json, list[Upload]], Message | None]] = {
        MESSAGE: _respond_message,
        MESSAGE_LATER: _respond_later,
        EDIT_LATER: _respond_edit_later,
        EDIT: _respond_edit,
        CHOICES: _respond_choices,
        FORM: _respond_form,
    }


def _may_answer(row: Interaction, kind: int) -> bool:
    if row.kind == interactions.AUTOCOMPLETE:
        return kind == CHOICES
    if kind in (EDIT_LATER, EDIT):
        return row.on_message is not None
    return kind != CHOICES and not (kind == FORM and row.kind == interactions.SUBMITTED_FORM)


def _callback_answer(row: Interaction, kind: int, message: Json | None) -> Json:
    interaction: Json = {
        "id": str(row.id),
        "type": row.kind,
        "response_message_loading": row.is_deferred,
        "response_message_ephemeral": row.is_ephemeral,
    }
    if message is None:
        return {"interaction": interaction}
    interaction["response_message_id"] = message["id"]
    return {"interaction": interaction, "resource": {"type": kind, "message": message}}
