// The box to write in: sending, changing what one wrote, replying, and the names that it offers.

import { $, complain, el } from "./dom.js";
import { askDelete } from "./actions.js";
import { closeCommand, exactly, matching, openCommand } from "./commands.js";
import { plain } from "./markdown.js";
import { Choices } from "./menus.js";
import { channelOf, later, state } from "./state.js";
import { hear, isOpen, tell } from "./socket.js";

const LONGEST = 2000;
const box = $("composer");
const drafts = new Map(); // by member and channel
let mode = null; // {kind: "edit" | "reply", message}
let aside = ""; // what stood in the box before a message was taken up for changing

const choices = new Choices(box, { label: "Suggestions", anchor: $("say"), pick: (option) => option.take() });

export function enterChannel(name, me) {
  $("composer-label").textContent = `Message to ${name}`;
  box.placeholder = `Write to ${name} as ${me}`;
  $("compose").hidden = false;
  write(drafts.get(`${state.me}/${state.place}`) || "");
}

export function leaveChannel() {
  closeCommand();
  endMode();
  if (state.place) drafts.set(`${state.me}/${state.place}`, box.value);
  write("");
}

function write(text) {
  box.value = text;
  grow();
  choices.hide();
}

function grow() {
  box.style.height = "auto";
  if (box.scrollHeight) box.style.height = `${box.scrollHeight}px`;
  const left = LONGEST - box.value.length;
  $("count").textContent = left < 200 ? `· ${left} characters left` : "";
}

// --- changing and replying ---

export function beginEdit(message) {
  endMode();
  aside = box.value;
  mode = { kind: "edit", message };
  showBar("Changing your message", "Escape leaves it as it was, Enter saves.");
  write(decode(message.text));
  box.focus();
}

export function beginReply(message) {
  endMode();
  mode = { kind: "reply", message };
  showBar(`Replying to ${message.author.name}`, plain(message.text).slice(0, 90));
  box.focus();
}

function showBar(title, text) {
  closeCommand();
  complain("");
  $("bar").replaceChildren(el("span", {}, el("b", {}, title), " ", el("span", { className: "sub" }, text)),
    el("button", { type: "button", className: "quiet", onclick: () => { endMode(); box.focus(); } }, "Cancel"));
  $("bar").hidden = false;
}

function endMode() {
  if (mode?.kind === "edit") write(aside);
  mode = null;
  $("bar").hidden = true;
}

function editLast() {
  const own = [...state.shown.values()].filter((each) => each.author.id === state.me && !each.ephemeral);
  const last = own.sort((a, b) => (later(a.id, b.id) ? -1 : 1))[0];
  if (last) beginEdit(last);
  return Boolean(last);
}

hear("deleted", (said) => { if (mode?.message.id === said.message.id) endMode(); });

// --- sending ---

function send() {
  const text = box.value.trim();
  if (!state.place || (!text && mode?.kind !== "edit")) return;
  if (!isOpen()) { complain("Not sent: the practice server does not answer."); return; }
  if (mode?.kind === "edit") { save(text); return; }
  if (text.startsWith("/")) { sendCommand(text); return; }
  tell({ t: "say", channel: state.place, text: encode(text), reply_to: mode?.message.id });
  write("");
  endMode();
}

function save(text) {
  const { message } = mode;
  endMode();
  if (!text) askDelete(message);
  else if (encode(text) !== message.text) tell({ t: "edit", channel: message.channel, message: message.id, text: encode(text) });
}

function sendCommand(text) {
  const command = exactly(text);
  if (command) { openCommand(command, text.slice(command.name.length + 1).trim()); write(""); return; }
  complain(state.commands.length ? `There is no command ${text.split(" ")[0]} here.` : "The bot has not registered any commands yet.");
}

// --- names: people write @Ada and #general, Discord keeps ids ---

function names() {
  const here = channelOf(state.place)?.guild;
  const channels = (here ? [here] : state.guilds).flatMap((guild) => guild.channels);
  const named = (sign) => (each) => ({ sign, name: each.name, id: each.id });
  return [...[state.bot, ...state.people].map(named("@")), ...channels.map(named("#"))].sort((a, b) => b.name.length - a.name.length);
}

function encode(text) {
  const known = /[@#]/.test(text) ? names() : [];
  let written = "";
  for (let at = 0; at < text.length;) {
    const begins = "@#".includes(text[at]) && !/[\w<]/.test(text[at - 1] || " ");
    const found = begins && known.find((each) => each.sign === text[at] && isNamed(text, at + 1, each.name));
    written += found ? `<${found.sign}${found.id}>` : text[at];
    at += found ? found.name.length + 1 : 1;
  }
  return written;
}

const isNamed = (text, at, name) => text.startsWith(name, at) && !/^\w/.test(text.slice(at + name.length));

function decode(text) {
  return text.replace(/<@!?(\d{1,20})>|<#(\d{1,20})>/g, (whole, user, channel) => {
    const name = user ? names().find((each) => each.id === user)?.name : channelOf(channel)?.name;
    return name ? `${user ? "@" : "#"}${name}` : whole;
  });
}

function mentioned() {
  const token = /(?:^|\s)([@#])([^@#\n]{0,40})$/.exec(box.value.slice(0, box.selectionStart));
  if (!token) return [];
  const [, sign, begin] = token;
  const guild = channelOf(state.place)?.guild.id;
  const here = (each) => sign === "#" || each.id === state.bot.id || !guild || state.people.find((one) => one.id === each.id)?.guilds.includes(guild);
  const fits = (each) => each.sign === sign && here(each) && ` ${each.name.toLowerCase()}`.includes(` ${begin.toLowerCase()}`);
  const found = names().filter(fits);
  if (found.length === 1 && found[0].name.toLowerCase() === begin.toLowerCase()) return []; // written in full: Enter sends
  const start = box.selectionStart - begin.length - 1;
  return found.sort((a, b) => a.name.localeCompare(b.name)).slice(0, 8).map((each) => ({ value: each.id, label: `${sign}${each.name}`,
    take: () => { box.setRangeText(`${sign}${each.name} `, start, start + begin.length + 1, "end"); grow(); } }));
}

// --- the list above the box ---

function offer() {
  const text = box.value;
  const slash = text.startsWith("/") && !text.includes("\n") && !mode;
  if (document.activeElement !== box || !$("command").hidden) choices.hide();
  else if (slash) choices.show(matching(text).map(commandOption), state.commands.length ? "No command begins like that." : "The bot has not registered any commands yet.");
  else {
    const found = mentioned();
    if (found.length) choices.show(found); else choices.hide();
  }
}

function commandOption(command) {
  const marks = command.options.map((option) => el("span", { className: "arg" }, option.required ? `${option.name}*` : option.name));
  return { value: command.name, label: command.name, note: command.description, parts: [el("b", {}, `/${command.name}`), ...marks],
    take: () => { const rest = box.value.slice(command.name.length + 1).trim(); openCommand(command, box.value.startsWith(`/${command.name} `) ? rest : ""); write(""); } };
}

$("say").addEventListener("submit", (event) => { event.preventDefault(); send(); });
box.addEventListener("input", () => { grow(); complain(""); offer(); });
box.addEventListener("focus", offer);
box.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const takes = event.key === "Enter" && !event.shiftKey || event.key === "Tab" && !event.shiftKey;
  if (choices.isOpen && takes && choices.active) { event.preventDefault(); choices.choose(); return; }
  if (choices.key(event)) { event.preventDefault(); return; }
  if (event.key === "Escape" && mode) { event.preventDefault(); endMode(); return; }
  if (event.key === "ArrowUp" && !box.value && !mode && editLast()) { event.preventDefault(); return; }
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
});
hear("commands", (said) => { state.commands = said.commands; if (choices.isOpen) offer(); });
