"""Buttons, menus and forms: what Discord takes of them from a bot, and what it lets a member do with them."""

from collections.abc import Iterator

from bots.practice.refusals import Refusal, invalid_form
from bots.practice.world import Json, NotAllowed

ROW, BUTTON, MENU, TEXT_INPUT, LABEL = 1, 2, 3, 4, 18
MENUS = (3, 5, 6, 7, 8)
"""Menus of own options, users, roles, both, and channels."""
CHOOSERS = (*MENUS, 22)
"""What answers with a list: menus and groups of check boxes."""
LINK, PREMIUM = 5, 6
V2 = 1 << 15
"""The message flag of the newer components, which have fewer rules of place."""
MOST_ROWS, MOST_IN_ROW, MOST_OPTIONS, MOST_V2 = 5, 5, 25, 40
LONGEST_ID, LONGEST_BUTTON, LONGEST_PLACEHOLDER, LONGEST_OPTION = 100, 80, 150, 100
LONGEST_TITLE, LONGEST_LABEL, LONGEST_HINT, LONGEST_INPUT = 45, 45, 100, 4_000


def walk(components: list[Json]) -> Iterator[Json]:
    """Yield every component, those inside others after the one that holds them."""
    for each in components:
        yield each
        inner = [*each.get("components", []), *(each[name] for name in ("component", "accessory") if each.get(name))]
        yield from walk(inner)


def find(components: list[Json], custom_id: str) -> Json | None:
    return next((each for each in walk(components) if each.get("custom_id") == custom_id), None)


# --- what a bot may send ---


def check_message(components: list[Json], *, flags: int = 0, at: str = "components") -> None:
    """Raise what Discord says of a message's components that it does not take."""
    if flags & V2:
        if sum(1 for _each in walk(components)) > MOST_V2:
            raise invalid_form(at, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MOST_V2} in length.")
    else:
        _limit_length(at, components, MOST_ROWS, least=0)
    _check_unique(components, at)
    for index, row in enumerate(components):
        _check_placed(row, f"{at}.{index}", is_v2=bool(flags & V2))


def check_form(form: Json) -> None:
    """Raise what Discord says of a form (a modal) that it does not take."""
    _limit_text("data.title", form.get("title"), LONGEST_TITLE)
    _limit_text("data.custom_id", form.get("custom_id"), LONGEST_ID)
    rows = form.get("components") or []
    _limit_length("data.components", rows, MOST_ROWS)
    _check_unique(rows, "data.components")
    for index, row in enumerate(rows):
        _check_form_row(row, f"data.components.{index}")


def _check_form_row(row: Json, at: str) -> None:
    if row["type"] == ROW:
        inner = row.get("components") or []
        _limit_length(f"{at}.components", inner, 1)
        _limit_text(f"{at}.components.0.label", inner[0].get("label"), LONGEST_LABEL)
        _check_field(inner[0], f"{at}.components.0")
    elif row["type"] == LABEL:
        _limit_text(f"{at}.label", row.get("label"), LONGEST_LABEL)
        _limit_text(f"{at}.description", row.get("description"), LONGEST_HINT, required=False)
        _check_field(row["component"], f"{at}.component")
    elif row["type"] != 10:
        raise _wrong_type(at, "(1, 10, 18)")


def _check_field(field: Json, at: str) -> None:
    _limit_text(f"{at}.custom_id", field.get("custom_id"), LONGEST_ID)
    if field["type"] in MENUS:
        _check_menu(field, at)
    elif field["type"] == TEXT_INPUT:
        _limit_text(f"{at}.placeholder", field.get("placeholder"), LONGEST_HINT, required=False)
        _limit_text(f"{at}.value", field.get("value"), LONGEST_INPUT, required=False)
        _limit_number(f"{at}.min_length", field.get("min_length", 0), 0, LONGEST_INPUT)
        _limit_number(f"{at}.max_length", field.get("max_length", LONGEST_INPUT), 1, LONGEST_INPUT)
    elif field["type"] not in (19, 21, 22, 23):
        raise _wrong_type(at, "(3, 4, 5, 6, 7, 8, 19, 21, 22, 23)")


def _check_placed(row: Json, at: str, *, is_v2: bool) -> None:
    if row["type"] == ROW:
        _check_row(row, at)
    elif not is_v2:
        raise _wrong_type(at, "(1,)")
    else:
        for index, inner in enumerate(row.get("components", [])):
            _check_placed(inner, f"{at}.components.{index}", is_v2=True)


def _check_row(row: Json, at: str) -> None:
    inner = row.get("components") or []
    _limit_length(f"{at}.components", inner, MOST_IN_ROW)
    if len(inner) > 1 and any(each["type"] in MENUS for each in inner):
        text = "The specified component exceeds the maximum width"
        raise invalid_form(f"{at}.components.1", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", text)
    for index, each in enumerate(inner):
        if each["type"] == BUTTON:
            _check_button(each, f"{at}.components.{index}")
        elif each["type"] in MENUS:
            _limit_text(f"{at}.components.{index}.custom_id", each.get("custom_id"), LONGEST_ID)
            _check_menu(each, f"{at}.components.{index}")
        else:
            raise _wrong_type(f"{at}.components.{index}", "(2, 3, 5, 6, 7, 8)")


def _check_button(button: Json, at: str) -> None:
    if button.get("style") == LINK:
        _limit_text(f"{at}.url", button.get("url"), 512)
    elif button.get("style") != PREMIUM:
        _limit_text(f"{at}.custom_id", button.get("custom_id"), LONGEST_ID)
    needed = not button.get("emoji") and button.get("style") != PREMIUM
    _limit_text(f"{at}.label", button.get("label"), LONGEST_BUTTON, required=needed)


def _check_menu(menu: Json, at: str) -> None:
    _limit_text(f"{at}.placeholder", menu.get("placeholder"), LONGEST_PLACEHOLDER, required=False)
    least, most = menu.get("min_values", 1), menu.get("max_values", 1)
    _limit_number(f"{at}.min_values", least, 0, MOST_OPTIONS)
    _limit_number(f"{at}.max_values", most, max(1, least), MOST_OPTIONS)
    if menu["type"] != MENU:
        return
    options = menu.get("options") or []
    _limit_length(f"{at}.options", options, MOST_OPTIONS)
    _limit_number(f"{at}.max_values", most, 1, len(options))
    for index, option in enumerate(options):
        _limit_text(f"{at}.options.{index}.label", option.get("label"), LONGEST_OPTION)
        _limit_text(f"{at}.options.{index}.value", option.get("value"), LONGEST_OPTION)
        _limit_text(f"{at}.options.{index}.description", option.get("description"), LONGEST_OPTION, required=False)
        if any(option["value"] == earlier["value"] for earlier in options[:index]):
            text = "The specified option value is already used"
            raise invalid_form(f"{at}.options.{index}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)


def _check_unique(components: list[Json], at: str) -> None:
    keys = [each["custom_id"] for each in walk(components) if each.get("custom_id")]
    if len(keys) != len(set(keys)):
        raise invalid_form(at, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _limit_text(at: str, text: object, longest: int, *, required: bool = True) -> None:
    if not text:
        if required:
            raise invalid_form(at, "BASE_TYPE_REQUIRED", "This field is required")
    elif not isinstance(text, str) or len(text) > longest:
        raise invalid_form(at, "BASE_TYPE_MAX_LENGTH", f"Must be {longest} or fewer in length.")


def _limit_length(at: str, rows: list[Json], most: int, *, least: int = 1) -> None:
    if not least <= len(rows) <= most:
        raise invalid_form(at, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")


def _limit_number(at: str, number: int, least: int, most: int) -> None:
    if number < least:
        text = f"int value should be greater than or equal to {least}."
        raise invalid_form(at, "NUMBER_TYPE_MIN", text)
    if number > most:
        raise invalid_form(at, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")


def _wrong_type(at: str, known: str) -> Refusal:
    return invalid_form(f"{at}.type", "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {known}.')


# --- what a member may do ---


def require_usable(components: list[Json], custom_id: str, values: list[str] | None) -> Json:
    """Return the button or menu that a member is about to use; NotAllowed when Discord's app would not let them."""
    found = find(components, custom_id)
    if found is None:
        raise NotAllowed("That message has no such button or menu any more.")
    if found.get("disabled"):
        raise NotAllowed("That button or menu is switched off.")
    if (found["type"] == BUTTON) != (values is None):
        raise NotAllowed("A button is pressed, and a menu is chosen from.")
    if values is not None:
        _require_offered(found, values)
    return found


def _require_offered(menu: Json, values: list[str]) -> None:
    if menu["type"] in (MENU, 21, 22):
        offered = {option["value"] for option in menu.get("options", [])}
        if not set(values) <= offered:
            raise NotAllowed("That is not one of the choices.")
    least, most = menu.get("min_values", 1), menu.get("max_values", 1)
    if len(values) != len(set(values)) or not least <= len(values) <= most:
        raise NotAllowed(f"Choose between {least} and {most}." if least != most else f"Choose {most}.")


def filled(form: Json, values: dict[str, str | list[str]]) -> list[Json]:
    """Return a form as a member submits it. A field that `values` does not name keeps what the form put there."""
    known = {each["custom_id"] for each in walk(form["components"]) if "custom_id" in each}
    strange = sorted(set(values) - known)
    if strange:
        raise NotAllowed(f"The form has no field {strange[0]}.")
    return [_filled_row(row, number, values) for number, row in enumerate(form["components"], 1)]


def _filled_row(row: Json, number: int, values: dict[str, str | list[str]]) -> Json:
    if row["type"] == ROW:
        return {"type": ROW, "id": number, "components": [_filled_field(each, values) for each in row["components"]]}
    if row["type"] == LABEL:
        return {"type": LABEL, "id": number, "component": _filled_field(row["component"], values)}
    return {"type": row["type"], "id": number}


def _filled_field(field: Json, values: dict[str, str | list[str]]) -> Json:
    answer: Json = {"type": field["type"], "id": field.get("id", 1), "custom_id": field["custom_id"]}
    if field["type"] in CHOOSERS:
        return answer | {"values": _chosen(field, values.get(field["custom_id"]))}
    value = values.get(field["custom_id"], field.get("value", ""))
    if field["type"] == TEXT_INPUT:
        _require_written(field, str(value))
    return answer | {"value": value}


def _chosen(field: Json, given: str | list[str] | None) -> list[str]:
    if given is None:
        given = [option["value"] for option in field.get("options", []) if option.get("default")]
    chosen = [given] if isinstance(given, str) else given
    if chosen or field.get("required", True):
        _require_offered(field, chosen)
    return chosen


def _require_written(field: Json, text: str) -> None:
    if not text:
        if field.get("required", True):
            raise NotAllowed("This field is required.")
        return
    least, most = field.get("min_length") or 0, field.get("max_length") or LONGEST_INPUT
    if not least <= len(text) <= most:
        raise NotAllowed(f"Write between {least} and {most} characters.")
