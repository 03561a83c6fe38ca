// The open conversation: which messages, in which order, and where the reader stands.

import { $, announce, complain, dayName, el, focusSpot, isPhone, spotOf, unseen } from "./dom.js";
import { tellChange } from "./components.js";
import { leaveChannel, enterChannel } from "./compose.js";
import { plain } from "./markdown.js";
import { closeOrphans } from "./menus.js";
import { drawMessage, drawNote } from "./message.js";
import { showPeople, showPlaces } from "./places.js";
import { channelOf, lastRead, later, markRead, person, state } from "./state.js";
import { hear, tell } from "./socket.js";

const TOGETHER = 7 * 60_000;
const list = $("messages");
const scroll = $("scroll");
let drawn = new Map(); // by row: what it was drawn from, and the element
let typingUntil = 0;
let atBottom = true;
let hasUnseen = false;

// --- opening and leaving ---

export function open(id) {
  leaveChannel();
  state.place = id;
  state.shown = new Map();
  state.freshFrom = lastRead(id);
  typingUntil = 0;
  showTyping();
  complain("");
  const channel = channelOf(id);
  const name = id === state.dm ? state.bot.name : channel ? `#${channel.name}` : "Channel";
  $("talk-title").textContent = name;
  $("topic").textContent = id === state.dm ? "Private: only you and the bot" : about(channel);
  enterChannel(name, person()?.name || "a member");
  clear();
  $("empty").hidden = true;
  hasUnseen = false;
  $("newer").hidden = true;
  tell({ t: "open", channel: id });
  // On a phone the keyboard would cover what has just been opened.
  if (!isPhone()) $("composer").focus();
}

function about(channel) {
  const parent = channelOf(channel?.parent);
  const whose = state.guilds.length > 1 ? channel?.guild.name : "";
  return [parent ? `Thread of #${parent.name}` : "", whose, channel?.topic].filter(Boolean).join(" · ");
}

export function rest(title, text) {
  leaveChannel();
  state.place = null;
  $("compose").hidden = true;
  $("older").hidden = true;
  $("talk-title").textContent = "Welcome";
  $("topic").textContent = "";
  clear();
  showEmpty(title, text);
}

function clear() {
  list.replaceChildren();
  drawn = new Map();
}

function showEmpty(title, text) {
  $("empty").hidden = false;
  $("empty").replaceChildren(el("b", {}, title), text);
}

// --- drawing: only what changed is made anew, so that the focus and an open menu elsewhere stay ---

export function draw() {
  const held = list.contains(document.activeElement) ? spotOf(document.activeElement) : null;
  const rows = wanted();
  const keep = new Set(rows.map(([, node]) => node));
  for (const node of [...list.children]) if (!keep.has(node)) node.remove();
  rows.forEach(([, node], index) => { if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null); });
  closeOrphans();
  oneStop(list.contains(document.activeElement) ? document.activeElement.closest(".msg") : null);
  if (held && !list.contains(document.activeElement) && !document.activeElement?.closest("dialog") && !focusSpot(list, held)) $("composer").focus();
  if (rows.length) $("empty").hidden = true;
  else if (state.place === state.dm) showEmpty(state.bot.name, `This is the beginning of your private conversation with ${state.bot.name}. Write something, or type / to see what it can do.`);
  else showEmpty($("talk-title").textContent, "Nobody has written here yet.");
  readNow();
}

// Tab stops at one message, the newest or the one that was walked to; the arrows walk on, Enter shows what can be done.
function oneStop(row) {
  const all = [...list.querySelectorAll(".msg")];
  const stop = row || all.at(-1);
  for (const each of all) each.tabIndex = each === stop ? 0 : -1;
}

list.addEventListener("keydown", (event) => {
  if (!event.target.matches(".msg")) return;
  const all = [...list.querySelectorAll(".msg")];
  const at = all.indexOf(event.target);
  const next = { ArrowUp: all[at - 1], ArrowDown: all[at + 1], Home: all[0], End: all.at(-1) }[event.key];
  if (event.key === "Enter") event.target.querySelector(".more")?.click();
  if (!next && event.key !== "Enter") return;
  event.preventDefault();
  if (!next) return;
  oneStop(next);
  next.focus();
});

function wanted() {
  const notes = [...state.notes.values()].filter((each) => each.channel === state.place);
  const entries = [...state.shown.values(), ...notes].sort((a, b) => (later(a.id, b.id) ? 1 : -1));
  state.shown = new Map(entries.filter((each) => !each.kind).map((each) => [each.id, each]));
  const rows = [];
  const next = new Map();
  const put = (key, source, first, make) => {
    const known = drawn.get(key);
    const row = known && known.source === source && known.first === first ? known : { source, first, node: make() };
    next.set(key, row);
    rows.push([key, row.node]);
  };
  let previous = null;
  let isFresh = false;
  for (const entry of entries) {
    const day = entry.at ? new Date(entry.at).toDateString() : previous?.day;
    if (entry.at && day !== previous?.day) put(`day ${day}`, day, true, () => el("li", { className: "day" }, el("span", {}, dayName.format(new Date(entry.at)))));
    const beginsFresh = !isFresh && previous && entry.at && !entry.ephemeral && state.freshFrom !== "0" && later(entry.id, state.freshFrom) && entry.author.id !== state.me;
    if (beginsFresh) put("fresh", "", true, () => el("li", { className: "day fresh" }, el("span", {}, "New", unseen(" messages from here"))));
    isFresh ||= Boolean(beginsFresh);
    const first = beginsFresh || day !== previous?.day || startsGroup(entry, previous?.entry);
    if (entry.kind) put(entry.id, entry, true, () => drawNote(entry, () => drop(entry.id)));
    else put(entry.id, entry, first, () => drawMessage(entry, { first, dismiss: () => dismiss(entry) }));
    previous = { entry, day };
  }
  drawn = next;
  return rows;
}

function startsGroup(entry, before) {
  return !before || before.kind || entry.kind || before.author.id !== entry.author.id || Boolean(entry.used || entry.reply)
    || entry.ephemeral || before.ephemeral || new Date(entry.at) - new Date(before.at) > TOGETHER;
}

function redraw() {
  const stay = nearBottom();
  draw();
  if (stay) toBottom();
}

// --- the page's own lines ---

function drop(id) {
  state.notes.delete(id);
  redraw();
  $("composer").focus();
}

function dismiss(message) {
  tell({ t: "dismiss", message: message.id });
  forget(message.id);
  redraw();
  $("composer").focus();
}

function forget(id) {
  state.asides.delete(id);
  state.shown.delete(id);
}

function note(said, fields) {
  state.notes.set(said.interaction, { id: said.interaction, channel: said.channel, used: usedBy.get(said.interaction), ...fields });
  if (said.channel !== state.place) return;
  draw();
  toBottom();
}

const usedBy = new Map(); // by interaction: who used which command; buttons and forms have no such line

hear("asked", (said) => {
  if (said.kind !== "slash") return;
  usedBy.set(said.interaction, { by: person()?.name || "You", command: said.name });
  note(said, { kind: "waiting", text: `Sending it to ${state.bot.name}` });
});
hear("answered", (said) => {
  if (said.state === "thinking") note(said, { kind: "waiting", text: `${state.bot.name} is thinking`, ephemeral: said.ephemeral });
  else if (said.state === "failed" && usedBy.has(said.interaction)) {
    note(said, { kind: "failed", text: "The application did not respond", ephemeral: true });
    announce("The application did not respond");
  } else if (state.notes.delete(said.interaction)) redraw();
});

// --- messages come, change and go ---

hear("history", (said) => {
  if (said.channel !== state.place) return;
  const fromBottom = scroll.scrollHeight - scroll.scrollTop;
  const kept = said.older ? [...state.shown.values()] : [...state.asides.values()].filter((each) => each.channel === said.channel);
  state.shown = new Map([...said.messages, ...kept].map((message) => [message.id, message]));
  $("older").hidden = !said.more;
  draw();
  scroll.scrollTop = said.older ? scroll.scrollHeight - fromBottom : startAt();
  showPlaces(); showPeople();
});

// Where to begin reading: at the first new message if the new ones are more than a screenful.
function startAt() {
  const line = list.querySelector(".fresh");
  const bottom = scroll.scrollHeight;
  return line && bottom - line.offsetTop > scroll.clientHeight ? line.offsetTop - 40 : bottom;
}

hear("message", ({ message }) => {
  noteLast(message);
  if (message.ephemeral) state.asides.set(message.id, message);
  if (message.author.id === state.me) markRead(message.channel, message.id);
  if (message.channel === state.place) {
    if (message.author.bot) { typingUntil = 0; showTyping(); }
    const stay = nearBottom() || message.author.id === state.me;
    // What comes while the reader looks on is no news; what comes behind their back is.
    if (!document.hidden && !list.querySelector(".fresh")) state.freshFrom = message.id;
    state.shown.set(message.id, message);
    draw();
    if (stay) toBottom();
    hasUnseen = !stay;
    showNewer();
    if (message.author.id !== state.me) announce(`${message.author.name}: ${spoken(message)}`);
  }
  showPlaces(); showPeople();
});

function spoken(message) {
  const titles = message.embeds.map((each) => each.title || "").filter(Boolean).join(", ");
  const files = message.attachments.map((each) => `file ${each.name}`).join(", ");
  return [message.ephemeral ? "Only you can see this." : "", plain(message.text).slice(0, 500), titles, files].filter(Boolean).join(" ");
}

function noteLast(message) {
  if (message.ephemeral) return;
  for (const guild of state.guilds) for (const channel of guild.channels) if (channel.id === message.channel) channel.last = message.id;
  const me = person();
  if (message.channel === state.dm && me) me.dm = message.id;
}

hear("edited", ({ message }) => {
  if (message.ephemeral && state.asides.has(message.id)) state.asides.set(message.id, message);
  if (!state.shown.has(message.id)) return;
  state.shown.set(message.id, message);
  redraw();
  tellChange(message);
});
hear("deleted", ({ message }) => {
  forget(message.id);
  if (message.channel === state.place) redraw();
});
hear("typing", (said) => {
  if (said.channel !== state.place) return;
  typingUntil = Date.now() + 9000;
  showTyping();
  setTimeout(showTyping, 9100);
});

function showTyping() {
  $("typing").textContent = Date.now() < typingUntil ? `${state.bot.name} is typing…` : "";
}

// --- where the reader stands ---

const nearBottom = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
const toBottom = () => { scroll.scrollTop = scroll.scrollHeight; };

function showNewer() {
  const behind = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
  hasUnseen &&= !atBottom;
  $("newer").hidden = !hasUnseen && behind < scroll.clientHeight;
  $("newer").textContent = hasUnseen ? "↓ New messages" : "↓ To the newest";
}

scroll.addEventListener("scroll", () => { atBottom = nearBottom(); showNewer(); }, { passive: true });
$("newer").addEventListener("click", () => { toBottom(); $("composer").focus(); });
// Opening the command form or a phone's keyboard takes room from below: stay with the newest message.
new ResizeObserver(() => { if (atBottom) toBottom(); }).observe(scroll);
$("older").addEventListener("click", () => {
  const first = [...state.shown.values()].find((message) => !message.ephemeral);
  tell({ t: "open", channel: state.place, before: first?.id });
});

export function readNow() {
  if (document.hidden || !state.place) return;
  let last = "0";
  for (const message of state.shown.values()) if (!message.ephemeral && later(message.id, last)) last = message.id;
  markRead(state.place, last);
}
