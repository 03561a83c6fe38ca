// Buttons and menus below a message, and the busy time after one was pressed.

import { announce, complain, el } from "./dom.js";
import { blocks, link, plain } from "./markdown.js";
import { openForm } from "./forms.js";
import { Choices } from "./menus.js";
import { channelOf, state } from "./state.js";
import { ask } from "./socket.js";

const TYPES = { row: 1, button: 2, select: 3, people: 5, channels: 8, section: 9, text: 10, separator: 14, box: 17 };
const LINK = 5;
const pressed = new Map(); // by message: the name of what was pressed

export function components(message) {
  return parts(message, message.components || [], "");
}

function parts(message, list, where) {
  return list.map((each, index) => part(message, each, `${where}.${index}`)).filter(Boolean);
}

function part(message, each, where) {
  if (each.type === TYPES.text) return el("div", { className: "body" }, ...blocks(each.content || ""));
  if (each.type === TYPES.button) return button(message, each, where);
  if ([TYPES.select, TYPES.people, TYPES.channels].includes(each.type)) return select(message, each, where);
  if (each.type === TYPES.separator) return el("hr", {});
  if (each.type === TYPES.section) {
    return el("div", { className: "section" }, el("div", {}, ...parts(message, each.components || [], where)),
      each.accessory ? part(message, each.accessory, `${where}.a`) : null);
  }
  if (each.type === TYPES.box) return el("div", { className: "embed" }, ...parts(message, each.components || [], where));
  if (each.type === TYPES.row) return el("div", { className: "parts" }, ...parts(message, each.components || [], where));
  return el("p", { className: "sub" }, "Discord shows something here that the practice page does not know.");
}

function emojiOf(data) {
  if (!data?.name) return null;
  return el("span", { className: "emoji", ariaHidden: data.id ? null : "true" }, data.id ? `:${data.name}:` : data.name);
}

function button(message, each, where) {
  const label = [emojiOf(each.emoji), each.label ? el("span", {}, each.label) : null].filter(Boolean);
  const name = each.label ? null : each.emoji?.name || "Button";
  if (each.style === LINK) {
    const anchor = link(each.url || "", [...label, el("span", { className: "out", ariaHidden: "true" }, "↗")], "part s5");
    anchor.dataset.place = where;
    return anchor;
  }
  return el("button", { type: "button", className: `part s${Number(each.style) || 2}`, disabled: Boolean(each.disabled), ariaLabel: name,
    "data-key": `press:${each.custom_id}`, "data-place": where, onclick: (event) => press(message, each.custom_id, null, event.currentTarget) }, ...label);
}

// --- menus ---

function select(message, each, where) {
  const options = optionsOf(message, each);
  const least = each.min_values ?? 1;
  const most = Math.min(each.max_values ?? 1, options.length);
  const title = each.placeholder || "Make a choice";
  const shown = el("span", { className: "value" });
  const trigger = el("button", { type: "button", className: "part select", role: "combobox", "aria-haspopup": "listbox",
    disabled: Boolean(each.disabled), "data-key": `press:${each.custom_id}`, "data-place": where }, shown, el("span", { className: "arrow", ariaHidden: "true" }, "⌄"));
  const write = (chosen) => {
    shown.textContent = chosen.length ? chosen.map((option) => option.label).join(", ") : title;
    trigger.classList.toggle("empty", !chosen.length);
    trigger.ariaLabel = chosen.length ? `${title}: ${shown.textContent}` : title;
  };
  const send = (chosen) => { write(chosen); press(message, each.custom_id, chosen.map((option) => option.value), trigger); };
  const menu = (most > 1 ? manyMenu : oneMenu)(trigger, { options, least, most, title, send, write });
  write(options.filter((option) => option.chosen));
  trigger.addEventListener("click", () => { if (trigger.ariaDisabled !== "true") menu.toggle(); });
  trigger.addEventListener("keydown", (event) => { if (trigger.ariaDisabled !== "true") menu.key(event); });
  return trigger;
}

function optionsOf(message, menu) {
  const given = new Set((menu.default_values || []).map((each) => each.id));
  const guild = channelOf(message.channel)?.guild;
  if (menu.type === TYPES.people) {
    const people = state.people.filter((each) => (guild ? each.guilds.includes(guild.id) : each.id === state.me));
    return people.map((each) => ({ value: each.id, label: each.name, note: `@${each.username}`, chosen: given.has(each.id) }));
  }
  if (menu.type === TYPES.channels) return (guild?.channels || []).map((each) => ({ value: each.id, label: `#${each.name}`, chosen: given.has(each.id) }));
  return (menu.options || []).map((option) => ({
    value: option.value, label: option.label, note: option.description, chosen: Boolean(option.default),
    parts: [emojiOf(option.emoji), el("b", {}, option.label)].filter(Boolean),
  }));
}

const opens = (event) => ["ArrowDown", "ArrowUp", "Enter", " "].includes(event.key);
const isLetter = (event) => event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;

function oneMenu(trigger, { options, least, title, send }) {
  const pick = (option) => {
    if (!option.chosen) send([option]);
    else if (least === 0) send([]);
  };
  const choices = new Choices(trigger, { label: title, pick });
  const toggle = () => (choices.isOpen ? choices.close(true) : choices.show(options, "Nothing to choose."));
  const key = (event) => {
    if (!choices.isOpen && opens(event)) { event.preventDefault(); toggle(); return; }
    if (choices.isOpen && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choices.choose(); return; }
    if (choices.isOpen && isLetter(event)) choices.seek(event.key, event.timeStamp);
    if (choices.key(event)) { event.preventDefault(); event.stopPropagation(); }
  };
  return { toggle, key };
}

function manyMenu(trigger, { options, least, most, title, send, write }) {
  const rule = least === most ? `Choose ${least}` : least ? `Choose ${least} to ${most}` : `Choose up to ${most}`;
  const told = el("span", { role: "status" });
  const done = el("button", { type: "button", className: "quiet strong", onclick: () => finish() }, "Done");
  const footer = el("p", { className: "foot" }, told, done);
  const before = options.filter((each) => each.chosen);
  let marked = before;
  const choices = new Choices(trigger, { label: `${title}. ${rule}.`, many: true, footer,
    pick: (option) => mark(option), left: (cancelled) => (cancelled || !fits() ? back() : leave()) });
  const fits = () => marked.length >= least && marked.length <= most;
  const shown = () => options.map((each) => ({ ...each, chosen: marked.some((one) => one.value === each.value) }));
  const tellCount = () => { told.textContent = `${rule}: ${marked.length} chosen`; done.ariaDisabled = String(!fits()); };
  const mark = (option) => {
    const has = marked.some((each) => each.value === option.value);
    if (!has && marked.length >= most) { told.textContent = `No more than ${most}. Take one away first.`; return; }
    marked = has ? marked.filter((each) => each.value !== option.value) : [...marked, options.find((each) => each.value === option.value)];
    marked = options.filter((each) => marked.some((one) => one.value === each.value));
    tellCount();
    choices.show(shown(), "", choices.at);
  };
  const back = () => { marked = before; write(before); };
  const leave = () => { if (marked.map((each) => each.value).join("\n") !== before.map((each) => each.value).join("\n")) send(marked); };
  const finish = () => { if (fits()) { choices.hide(); trigger.focus(); leave(); } };
  const open = () => { marked = before; tellCount(); choices.show(shown(), "Nothing to choose."); };
  const toggle = () => (choices.isOpen ? choices.close(false) : open());
  const key = (event) => {
    if (!choices.isOpen && opens(event)) { event.preventDefault(); open(); return; }
    if (choices.isOpen && event.key === " ") { event.preventDefault(); choices.choose(); return; }
    if (choices.isOpen && event.key === "Enter") { event.preventDefault(); finish(); return; }
    if (choices.isOpen && event.key === "Tab") { choices.close(false); return; }
    if (choices.isOpen && isLetter(event)) choices.seek(event.key, event.timeStamp);
    if (choices.key(event)) { event.preventDefault(); event.stopPropagation(); }
  };
  return { toggle, key };
}

// --- pressing ---

function press(message, id, values, control) {
  if (pressed.has(message.id)) return;
  complain("");
  pressed.set(message.id, id);
  showBusy(message.id);
  control.classList.add("pressed");
  ask({ t: "press", channel: message.channel, message: message.id, custom_id: id, values }, (said) => {
    pressed.delete(message.id);
    showBusy(message.id);
    if (said.t === "error") fail(message.id, said.text);
    else if (said.state === "failed") fail(message.id, "This interaction failed");
    else if (said.state === "form") openForm(said);
  });
}

const rowOf = (id) => document.querySelector(`[data-row="${CSS.escape(id)}"]`);

// While the bot answers, the controls stay where they are and keep the focus, but take no press.
function showBusy(id) {
  const row = rowOf(id);
  if (!row) return;
  const busy = pressed.has(id);
  row.ariaBusy = String(busy);
  row.querySelector(".failure")?.remove();
  for (const each of row.querySelectorAll("button.part:not(:disabled)")) {
    each.ariaDisabled = busy ? "true" : null;
    if (!busy) each.classList.remove("pressed");
  }
}

function fail(id, text) {
  announce(text);
  const row = rowOf(id);
  if (!row) { complain(text); return; }
  const failure = el("p", { className: "failure" }, text);
  row.querySelector(".content").append(failure);
  failure.scrollIntoView({ block: "nearest" });
}

// A message that the bot changed in answer to a press is news to whoever pressed.
export function tellChange(message) {
  if (pressed.has(message.id)) announce(`${state.bot.name} changed the message: ${plain(message.text || "").slice(0, 300)}`);
}

