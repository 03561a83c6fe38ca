// Slash commands: which there are here for this member, and the little form for their options.

import { $, complain, el } from "./dom.js";
import { openForm } from "./forms.js";
import { closeOrphans, suggestions } from "./menus.js";
import { channelOf, may, person, state } from "./state.js";
import { ask } from "./socket.js";

const KINDS = { part: 1, group: 2, integer: 4, boolean: 5, user: 6, channel: 7, number: 10 };
const form = $("command");

// --- which ---

function flat() {
  const guild = channelOf(state.place)?.guild.id ?? null;
  const found = [];
  const walk = (name, command) => {
    const inner = (command.options || []).filter((option) => option.type === KINDS.part || option.type === KINDS.group);
    if (inner.length) for (const option of inner) walk(`${name} ${option.name}`, option);
    else found.push({ name, description: command.description, options: command.options || [] });
  };
  for (const command of state.commands) {
    const isHere = command.guild === null || command.guild === guild;
    if (isHere && isMeantFor(command, guild) && mayUse(command, guild)) walk(command.name, command);
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

function isMeantFor(command, guild) {
  if (command.contexts) return command.contexts.includes(guild ? 0 : 1);
  return guild !== null || command.dm_permission !== false;
}

function mayUse(command, guild) {
  const needed = command.default_member_permissions;
  return needed === null || needed === undefined || guild === null || may(guild, needed);
}

export function matching(text) {
  const wanted = text.slice(1).toLowerCase();
  const fitting = flat().filter((each) => each.name.includes(wanted.trim()) || wanted.startsWith(`${each.name} `));
  const rank = (each) => (each.name.startsWith(wanted.trim()) || wanted.startsWith(`${each.name} `) ? 0 : 1);
  return fitting.sort((a, b) => rank(a) - rank(b));
}

export function exactly(text) {
  const fitting = flat().filter((each) => text === `/${each.name}` || text.startsWith(`/${each.name} `));
  return fitting.sort((a, b) => b.name.length - a.name.length)[0];
}

// --- the form ---

export function openCommand(command, rest) {
  complain("");
  const options = [...command.options].sort((a, b) => Number(Boolean(b.required)) - Number(Boolean(a.required)));
  const given = typed(options, rest);
  const fields = [];
  for (const option of options) fields.push(field(option, given[option.name] || "", (text, found) => complete(command, fields, option, text, found)));
  form.replaceChildren(el("p", {}, el("strong", {}, `/${command.name} `), el("span", {}, command.description)),
    el("div", { className: "fields" }, ...fields.map((each) => each.node)),
    el("p", { className: "buttons" }, el("button", { type: "submit", className: "strong" }, "Use command"),
      el("button", { type: "button", className: "quiet", onclick: () => { closeCommand(); $("composer").focus(); } }, "Cancel")));
  form.onsubmit = (event) => { event.preventDefault(); use(command, fields); };
  form.onkeydown = (event) => { if (event.key === "Escape") { closeCommand(); $("composer").focus(); } };
  form.hidden = false;
  $("say").hidden = true;
  (fields.find((each) => !each.input.value)?.input || form.querySelector(".strong")).focus();
}

export function closeCommand() {
  form.hidden = true;
  $("say").hidden = false;
  form.replaceChildren();
  closeOrphans();
}

// "/pause 3 why:holidays": what has no name belongs to the first option.
function typed(options, rest) {
  const names = options.map((each) => each.name);
  const given = {};
  let current = names[0];
  for (const word of rest.split(/\s+/).filter(Boolean)) {
    const named = /^([\w-]+):(.*)$/.exec(word);
    if (named && names.includes(named[1])) { current = named[1]; given[current] = named[2]; continue; }
    if (current) given[current] = [given[current], word].filter(Boolean).join(" ");
  }
  return given;
}

let count = 0;

function field(option, text, fitting) {
  count += 1;
  const id = `option-${count}`;
  const offered = option.autocomplete ? [] : offers(option);
  const isNumber = option.type === KINDS.integer || option.type === KINDS.number;
  const input = el("input", { id, type: isNumber && !offered ? "number" : "text", required: Boolean(option.required), autocomplete: "off", "aria-describedby": `${id}-about` });
  if (!offered) limit(input, option, isNumber);
  const list = offered ? suggestions(input, offered, { label: option.name, complete: option.autocomplete ? fitting : null }) : null;
  const match = offered?.find((each) => [each.value, each.label, each.note].some((one) => one?.toLowerCase() === text.toLowerCase()));
  input.value = match ? match.label : text;
  const mark = option.required ? el("span", { className: "must" }, " required") : el("span", { className: "maybe" }, " (optional)");
  const node = el("div", { className: "field" }, el("label", { htmlFor: id }, option.name, mark), input,
    el("small", { id: `${id}-about` }, option.description));
  return { option, input, list, node };
}

// Ask the bot what fits what is being typed into an option, given the others.
function complete(command, fields, option, text, found) {
  const others = fields.filter((each) => each.option !== option && !each.option.autocomplete);
  const options = { ...valuesOf(others), [option.name]: text };
  ask({ t: "complete", channel: state.place, name: command.name, options, focused: option.name },
    (said) => found((said.choices || []).map((each) => ({ value: String(each.value), label: each.name }))));
}

function limit(input, option, isNumber) {
  if (isNumber) input.step = option.type === KINDS.integer ? "1" : "any";
  if (option.min_value !== undefined) input.min = option.min_value;
  if (option.max_value !== undefined) input.max = option.max_value;
  if (option.min_length !== undefined) input.minLength = option.min_length;
  if (option.max_length !== undefined) input.maxLength = option.max_length;
}

function offers(option) {
  const guild = channelOf(state.place)?.guild;
  if (option.type === KINDS.boolean) return [{ value: "true", label: "Yes" }, { value: "false", label: "No" }];
  if (option.type === KINDS.user) {
    const people = guild ? state.people.filter((each) => each.guilds.includes(guild.id)) : [person()];
    return [...people.map((each) => ({ value: each.id, label: each.name, note: `@${each.username}` })), { value: state.bot.id, label: state.bot.name, note: "the bot" }];
  }
  if (option.type === KINDS.channel) return (guild?.channels || []).map((each) => ({ value: each.id, label: `#${each.name}`, note: each.topic }));
  if (option.choices?.length) return option.choices.map((each) => ({ value: String(each.value), label: each.name }));
  return null;
}

function use(command, fields) {
  const wrong = fields.find((each) => each.list?.isWrong());
  if (wrong) {
    wrong.input.setCustomValidity("Choose one of the list.");
    wrong.input.reportValidity();
    return;
  }
  const options = valuesOf(fields);
  closeCommand();
  ask({ t: "slash", channel: state.place, name: command.name, options }, (said) => {
    if (said.t === "error") complain(said.text);
    else if (said.state === "form") openForm(said);
  });
  $("composer").focus();
}

function valuesOf(fields) {
  const options = {};
  for (const { option, input, list } of fields) {
    const value = list ? list.value() : input.value.trim();
    if (value !== null && value !== "") options[option.name] = converted(option, value);
  }
  return options;
}

function converted(option, value) {
  if (option.type === KINDS.boolean) return value === "true";
  return option.type === KINDS.integer || option.type === KINDS.number ? Number(value) : value;
}
