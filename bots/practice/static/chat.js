// The chat page of the practice Discord. Text from others becomes text nodes only, never markup.
"use strict";

const $ = (id) => document.getElementById(id);
const ui = Object.fromEntries(["status", "theme", "lost", "search", "people", "people-note", "me-name", "places", "talk-title",
  "topic", "scroll", "empty", "older", "newer", "messages", "typing", "compose", "menu", "command", "say", "composer",
  "composer-label", "count", "error", "skip"].map((id) => [id, $(id)]));
const state = { socket: null, tries: 0, bot: { id: "0", name: "The bot" }, online: false, people: [], guilds: [], commands: [],
  me: null, dm: null, place: null, shown: new Map(), seen: new Map(), asides: new Map(), choice: -1, found: [], typingUntil: 0 };

// --- small things ---

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
const later = (a, b) => BigInt(a || 0) > BigInt(b || 0);
const initials = (name) => [...name.trim()].slice(0, 1).join("").toUpperCase() || "?";
const hue = (id) => `h${Number(BigInt(id) % 8n)}`;
const face = (author) => el("span", { className: `face ${author.bot ? "bot" : hue(author.id)}`, ariaHidden: "true" }, initials(author.name));
const isPhone = () => matchMedia("(max-width: 640px)").matches;
const tell = (payload) => { if (state.socket?.readyState === 1) state.socket.send(JSON.stringify(payload)); };
const stored = (key, fallback) => { try { return JSON.parse(localStorage.getItem(key)) ?? fallback; } catch { return fallback; } };
const store = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private windows */ } };

// --- theme ---

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}
ui.theme.addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
  store("practice-theme", dark ? "light" : "dark");
});
setTheme(stored("practice-theme", null));

// --- what has been read ---

const readKey = () => `practice-read-${state.me}`;
function lastRead(channel) { return state.seen.get(channel) || "0"; }
function markRead(channel, id) {
  if (!later(id, lastRead(channel))) return;
  state.seen.set(channel, id);
  store(readKey(), Object.fromEntries(state.seen));
}
function loadRead() {
  const kept = stored(readKey(), null);
  state.seen = new Map(Object.entries(kept || {}));
  if (kept) return;
  // A first visit: what the community said before is no news. The bot's private messages are.
  for (const guild of state.guilds) for (const channel of guild.channels) state.seen.set(channel.id, channel.last);
  store(readKey(), Object.fromEntries(state.seen));
}
function hasNews(person) {
  if (person.dm === "0") return false;
  const read = person.id === state.me ? lastRead(person.channel) : stored(`practice-read-${person.id}`, {})[person.channel];
  return later(person.dm, read || "0");
}

// --- the connection ---

function connect() {
  const socket = state.socket = new WebSocket(`ws://${location.host}/chat/ws`);
  socket.addEventListener("message", (event) => { const said = JSON.parse(event.data); HEAR[said.t]?.(said); });
  socket.addEventListener("open", () => { state.tries = 0; ui.lost.hidden = true; });
  socket.addEventListener("close", () => {
    ui.lost.hidden = false;
    state.tries += 1;
    setTimeout(connect, Math.min(5000, 300 * 2 ** state.tries));
  });
}

const HEAR = {
  welcome(said) {
    takeWorld(said);
    state.bot = said.bot;
    showStatus(said.online);
    state.me = null;
    follow();
  },
  people(said) { takeWorld(said); },
  status(said) { showStatus(said.online); },
  commands(said) { state.commands = said.commands; showMenu(); },
  you(said) {
    state.dm = said.dm;
    loadRead();
    const me = person();
    ui["me-name"].textContent = me ? me.name : "Channels";
    follow();
    showPeople();
  },
  history(said) {
    if (said.channel !== state.place) return;
    if (!said.older) { ui.messages.replaceChildren(); state.shown.clear(); }
    const bottom = ui.scroll.scrollHeight - ui.scroll.scrollTop;
    const kept = said.older ? [...state.shown.values()] : [...state.asides.values()].filter((each) => each.channel === said.channel);
    state.shown = new Map([...said.messages, ...kept].map((message) => [message.id, message]));
    ui.older.hidden = !said.more;
    drawAll();
    ui.scroll.scrollTop = said.older ? ui.scroll.scrollHeight - bottom : ui.scroll.scrollHeight;
  },
  message(said) {
    const message = said.message;
    for (const guild of state.guilds) for (const channel of guild.channels) if (channel.id === message.channel && !message.ephemeral) channel.last = message.id;
    const me = person();
    if (message.channel === state.dm && me && !message.ephemeral) me.dm = message.id;
    if (message.ephemeral) state.asides.set(message.id, message);
    if (message.author.id === state.me) markRead(message.channel, message.id);
    if (message.channel === state.place) {
      if (message.author.bot) { state.typingUntil = 0; showTyping(); }
      const near = nearBottom();
      state.shown.set(message.id, message);
      append(message);
      if (near || message.author.id === state.me) toBottom();
      else ui.newer.hidden = false;
      readNow();
    }
    showPlaces(); showPeople();
  },
  edited(said) {
    if (said.message.ephemeral) state.asides.set(said.message.id, said.message);
    if (!state.shown.has(said.message.id)) return;
    state.shown.set(said.message.id, said.message);
    const near = nearBottom();
    drawAll();
    if (near) toBottom();
  },
  deleted(said) { state.asides.delete(said.message.id); state.shown.delete(said.message.id); if (said.message.channel === state.place) drawAll(); },
  typing(said) {
    if (said.channel !== state.place) return;
    state.typingUntil = Date.now() + 9000;
    showTyping();
    setTimeout(showTyping, 9100);
  },
  elsewhere(said) {
    const other = state.people.find((each) => each.id === said.user);
    if (other) { other.dm = said.message; showPeople(); }
  },
  asked(said) { addWaiting(said.interaction, said.channel, "Sending it to the bot"); },
  answered(said) {
    if (said.state === "thinking") addWaiting(said.interaction, said.channel, `${state.bot.name} is thinking`);
    else dropWaiting(said.interaction);
    if (said.state === "failed" && said.channel === state.place) addFailure();
    if (said.modal) complain("The bot opened a form. This page cannot show forms yet.");
  },
  error(said) { complain(said.text); },
};

function takeWorld(said) {
  Object.assign(state, { people: said.people, guilds: said.guilds, commands: said.commands });
  showPeople();
  if (state.me) showPlaces();
}
const person = () => state.people.find((each) => each.id === state.me);

function showStatus(online) {
  state.online = online;
  ui.status.textContent = online ? `${state.bot.name} is online` : `${state.bot.name} is offline`;
  ui.status.classList.toggle("online", online);
  ui.status.title = ui.status.textContent;
  showPlaces();
}
function complain(text) {
  ui.error.textContent = text;
  ui.error.hidden = !text;
}

// --- where we are: #member/channel, so that reload and Back work ---

function go(...parts) {
  const hash = `#${parts.filter(Boolean).join("/")}`;
  if (location.hash === hash) follow(); else location.hash = hash;
}
function follow() {
  const [me, where] = location.hash.slice(1).split("/");
  const known = state.people.some((each) => each.id === me);
  document.body.dataset.view = !known ? "people" : where ? "talk" : "places";
  if (!known) { rest(); return; }
  if (state.me !== me) { state.me = me; state.dm = null; state.asides.clear(); state.place = null; tell({ t: "become", user: me }); return; }
  if (!state.dm) return;
  const place = where === "dm" ? state.dm : where;
  if (place && place !== state.place) open(place);
  else if (!place) { state.place = null; rest(); }
  showPlaces();
}
function rest() {
  ui.compose.hidden = true;
  ui.messages.replaceChildren();
  ui.older.hidden = true;
  ui["talk-title"].textContent = "Welcome";
  ui.topic.textContent = "";
  say(state.me && location.hash.length > 1 ? "Choose a channel" : "Choose who you are",
    state.me && location.hash.length > 1 ? "Your private conversation with the bot is first in the list."
      : `Pick a member on the left and write as that person. ${state.bot.name} answers as it would on Discord: it cannot tell the difference.`);
}
function say(title, text) { ui.empty.hidden = false; ui.empty.replaceChildren(el("b", {}, title), text); }
window.addEventListener("hashchange", follow);
for (const back of document.querySelectorAll("[data-back]")) {
  back.addEventListener("click", () => (document.body.dataset.view === "talk" ? go(state.me) : go()));
}
ui.skip.addEventListener("click", (event) => { event.preventDefault(); ui.composer.focus(); });

// --- the two lists ---

const MOST = 200;
function showPeople() {
  const wanted = ui.search.value.trim().toLowerCase();
  const fitting = state.people.filter((each) => !wanted || each.name.toLowerCase().includes(wanted) || each.username.toLowerCase().includes(wanted));
  // In a long list, whoever has a message waiting, and who one is, would be hard to find.
  const rank = (each) => (each.id === state.me ? 0 : hasNews(each) ? 1 : 2);
  if (state.people.length > 12) fitting.sort((a, b) => rank(a) - rank(b));
  const focused = document.activeElement?.dataset?.person;
  ui.people.replaceChildren(...fitting.slice(0, MOST).map((each) => {
    const news = hasNews(each);
    const gone = each.guilds.length === 0;
    return el("li", {}, el("button", { type: "button", className: `row ${news ? "unread" : ""}`, "data-person": each.id,
      "aria-current": String(each.id === state.me), onclick: () => go(each.id, isPhone() ? "" : "dm") },
    face(each), el("span", { className: "label" }, each.name, el("small", {}, gone ? "has left" : `@${each.username}`)),
    news ? el("span", { className: "badge", title: "A private message waits" }, "new", el("span", { className: "unseen" }, " private message")) : null));
  }));
  if (focused) ui.people.querySelector(`[data-person="${focused}"]`)?.focus();
  const note = ui["people-note"];
  note.hidden = fitting.length > 0 && fitting.length <= MOST;
  note.textContent = fitting.length ? `${fitting.length - MOST} more. Search to find them.` : "Nobody has that name.";
}
ui.search.addEventListener("input", showPeople);
ui.search.addEventListener("keydown", (event) => {
  const first = ui.people.querySelector("button");
  if (event.key === "Enter" && first) first.click();
});
ui.people.addEventListener("keydown", arrows);
ui.places.addEventListener("keydown", arrows);
function arrows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll("button")];
  const next = rows[rows.indexOf(document.activeElement) + step];
  if (next) { event.preventDefault(); next.focus(); }
}

function placeRow(id, where, sign, label, note, last) {
  const unread = later(last, lastRead(id));
  return el("li", {}, el("button", { type: "button", className: `row ${unread ? "unread" : ""}`, "data-place": id,
    "aria-current": String(id === state.place), onclick: () => go(state.me, where) },
  sign, el("span", { className: "label" }, label, note ? el("small", {}, note) : null),
  unread ? el("span", { className: "badge", title: "Unread" }, "new", el("span", { className: "unseen" }, " messages")) : null));
}
function showPlaces() {
  if (!state.me || !state.dm) { ui.places.replaceChildren(el("p", { className: "note" }, "Choose a member first.")); return; }
  const focused = document.activeElement?.dataset?.place;
  const me = person();
  const parts = [el("h3", {}, "Private"), el("ul", {}, placeRow(state.dm, "dm", face({ ...state.bot, bot: true }), state.bot.name,
    state.online ? "online" : "offline", me ? me.dm : "0"))];
  for (const guild of state.guilds) {
    if (!me || !me.guilds.includes(guild.id)) continue;
    parts.push(el("h3", {}, guild.name), el("ul", {}, ...guild.channels.map((each) =>
      placeRow(each.id, each.id, el("span", { className: "sign", ariaHidden: "true" }, "#"), each.name, "", each.last))));
  }
  ui.places.replaceChildren(...parts);
  const unread = ui.places.querySelectorAll(".unread").length;
  document.title = unread ? `(${unread}) Practice Discord` : "Practice Discord";
  if (focused) ui.places.querySelector(`[data-place="${focused}"]`)?.focus();
}

// --- a conversation ---

function channelOf(id) {
  for (const guild of state.guilds) for (const channel of guild.channels) if (channel.id === id) return { ...channel, guild };
  return null;
}
function open(id) {
  state.place = id;
  state.typingUntil = 0;
  showTyping();
  closeCommand();
  complain("");
  const channel = channelOf(id);
  const name = id === state.dm ? state.bot.name : channel ? `#${channel.name}` : "Channel";
  ui["talk-title"].textContent = name;
  ui.topic.textContent = id === state.dm ? "Private: only you and the bot" : channel?.topic || "";
  ui["composer-label"].textContent = `Message to ${name}`;
  ui.composer.placeholder = `Write to ${name} as ${person()?.name || "a member"}`;
  ui.compose.hidden = false;
  ui.messages.replaceChildren();
  ui.empty.hidden = true;
  ui.newer.hidden = true;
  state.shown.clear();
  tell({ t: "open", channel: id });
  if (!isPhone() && document.activeElement?.closest(".pane") === null) ui.composer.focus();
}
const nearBottom = () => ui.scroll.scrollHeight - ui.scroll.scrollTop - ui.scroll.clientHeight < 120;
const toBottom = () => { ui.scroll.scrollTop = ui.scroll.scrollHeight; };
// Opening the command form or a phone's keyboard takes room from below: stay with the newest message.
let atBottom = true;
ui.scroll.addEventListener("scroll", () => { atBottom = nearBottom(); if (atBottom) ui.newer.hidden = true; }, { passive: true });
ui.newer.addEventListener("click", () => { toBottom(); ui.composer.focus(); });
new ResizeObserver(() => { if (atBottom) toBottom(); }).observe(ui.scroll);
ui.older.addEventListener("click", () => {
  const first = [...state.shown.values()].find((message) => !message.ephemeral);
  tell({ t: "open", channel: state.place, before: first?.id });
});
function readNow() {
  if (document.hidden || !state.place) return;
  let last = "0";
  for (const message of state.shown.values()) if (!message.ephemeral && later(message.id, last)) last = message.id;
  markRead(state.place, last);
}
// Another tab of this browser may have read something.
window.addEventListener("storage", (event) => {
  if (event.key === readKey()) state.seen = new Map(Object.entries(stored(readKey(), {})));
  showPlaces(); showPeople();
});
document.addEventListener("visibilitychange", () => { readNow(); showPlaces(); showPeople(); });

function drawAll() {
  const waiting = [...ui.messages.querySelectorAll(".waiting")];
  ui.messages.replaceChildren();
  previous = null;
  const inOrder = [...state.shown.values()].sort((a, b) => (later(a.id, b.id) ? 1 : -1));
  state.shown = new Map(inOrder.map((message) => [message.id, message]));
  for (const message of inOrder) append(message);
  ui.messages.append(...waiting);
  if (inOrder.length === 0) {
    if (state.place === state.dm) say(state.bot.name, `This is the beginning of your private conversation with ${state.bot.name}. Write something, or type / to see what it can do.`);
    else say(ui["talk-title"].textContent, "Nobody has written here yet.");
  } else ui.empty.hidden = true;
  readNow(); showPlaces(); showPeople();
}

let previous = null;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const dayName = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
function append(message) {
  ui.empty.hidden = true;
  const at = new Date(message.at);
  const newDay = !previous || new Date(previous.at).toDateString() !== at.toDateString();
  if (newDay) ui.messages.append(el("li", { className: "day" }, dayName.format(at)));
  const first = newDay || previous.author.id !== message.author.id || message.used || message.ephemeral || previous.ephemeral
    || at - new Date(previous.at) > 7 * 60000;
  previous = message;
  const item = draw(message, at, first);
  const waiting = ui.messages.querySelector(".waiting");
  if (waiting) waiting.before(item); else ui.messages.append(item);
}
function draw(message, at, first) {
  const time = () => el("time", { dateTime: message.at, title: full.format(at) }, clock.format(at));
  const item = el("li", { className: `msg ${first ? "first" : ""} ${message.ephemeral ? "private" : ""}`, "data-id": message.id });
  if (message.used && first) item.append(el("span", {}), el("p", { className: "used" }, `${message.used.by} used `, el("code", {}, `/${message.used.command}`)));
  const inner = el("div", {});
  if (first) inner.append(el("p", { className: "who" }, el("b", {}, message.author.name), message.author.bot ? el("span", { className: "tag" }, "APP") : null, time()));
  else inner.append(el("span", { className: "unseen" }, `${message.author.name}: `));
  const body = el("div", { className: "body" }, ...blocks(message.text));
  if (message.edited) (body.lastElementChild?.tagName === "P" ? body.lastElementChild : body).append(" ", el("span", { className: "edited" }, "(edited)"));
  inner.append(body, ...message.embeds.map(embed), ...parts(message, message.components));
  if (message.reactions.length) inner.append(el("div", { className: "reactions" }, ...message.reactions.map((each) =>
    el("button", { type: "button", className: `reaction ${each.me ? "me" : ""}`, "aria-pressed": String(each.me),
      onclick: () => tell({ t: "react", channel: message.channel, message: message.id, emoji: each.emoji }) }, `${each.emoji} ${each.count}`))));
  if (message.ephemeral) inner.append(only(() => { state.asides.delete(message.id); state.shown.delete(message.id); drawAll(); }));
  item.append(el("span", { className: "side" }, first ? face(message.author) : time()), inner);
  if (!message.ephemeral) item.append(el("button", { type: "button", className: "react", ariaLabel: `React with thumbs up to ${message.author.name}`, title: "React",
    onclick: () => tell({ t: "react", channel: message.channel, message: message.id, emoji: "👍" }) }, "👍"));
  return item;
}
function only(dismiss) {
  return el("p", { className: "only" }, el("span", {}, "Only you can see this ·"),
    el("button", { type: "button", className: "link", onclick: () => { dismiss(); ui.composer.focus(); } }, "Dismiss message"));
}
function addWaiting(id, channel, text) {
  dropWaiting(id);
  if (channel !== state.place) return;
  const item = el("li", { className: "msg first waiting", "data-waiting": id }, face({ ...state.bot, bot: true }),
    el("div", {}, el("p", { className: "who" }, el("b", {}, state.bot.name), el("span", { className: "tag" }, "APP")),
      el("div", { className: "body" }, el("span", { className: "dots" }, text))));
  ui.messages.append(item);
  toBottom();
}
function dropWaiting(id) { ui.messages.querySelector(`[data-waiting="${CSS.escape(id)}"]`)?.remove(); }
function addFailure() {
  const item = el("li", { className: "msg first private failed" }, face({ ...state.bot, bot: true }),
    el("div", {}, el("div", { className: "body" }, "The application did not respond"), only(() => item.remove())));
  ui.messages.append(item);
  previous = null;
  toBottom();
}
function showTyping() {
  ui.typing.textContent = Date.now() < state.typingUntil ? `${state.bot.name} is typing…` : "";
}

function embed(data) {
  const fields = (data.fields || []).flatMap((field) => [el("div", {}, el("dt", {}, ...inline(field.name)), el("dd", {}, ...blocks(field.value)))]);
  return el("article", { className: "embed" }, data.title ? el("b", {}, ...inline(data.title)) : null,
    data.description ? el("div", { className: "body" }, ...blocks(data.description)) : null,
    fields.length ? el("dl", {}, ...fields) : null, data.footer?.text ? el("footer", {}, data.footer.text) : null);
}
function parts(message, components) {
  return (components || []).map((each) => {
    if (each.type === 10) return el("div", { className: "body" }, ...blocks(each.content || ""));
    if (each.type === 2) return button(message, each);
    if (each.type === 3) return chooser(message, each);
    if (each.components) return el("div", { className: "parts" }, ...parts(message, each.components));
    return null;
  }).filter(Boolean);
}
function button(message, each) {
  const label = `${each.emoji?.name ? `${each.emoji.name} ` : ""}${each.label || ""}`;
  if (each.style === 5) return link(each.url, [label], "part");
  return el("button", { type: "button", className: `part s${Number(each.style)}`, disabled: Boolean(each.disabled),
    onclick: () => press(message, each.custom_id) }, label);
}
function chooser(message, each) {
  const select = el("select", { className: "part", ariaLabel: each.placeholder || "Choose", disabled: Boolean(each.disabled),
    onchange: () => press(message, each.custom_id, [select.value]) },
  el("option", { value: "", disabled: true, selected: true }, each.placeholder || "Choose"),
  ...(each.options || []).map((option) => el("option", { value: option.value }, option.label)));
  return select;
}
function press(message, id, values) {
  complain("");
  tell({ t: "press", channel: message.channel, message: message.id, custom_id: id, values: values ?? null });
}

// --- a little markdown, straight to nodes ---

function link(address, children, className = "") {
  let url = null;
  try { url = new URL(address); } catch { /* not a link */ }
  if (!url || !["http:", "https:"].includes(url.protocol)) return el("span", {}, ...children);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", className }, ...children);
}
const INLINE = new RegExp(["\\\\([\\\\*_~`|<>#\\[\\]()-])", "`([^`\\n]+)`", "\\*\\*(.+?)\\*\\*(?!\\*)", "__(.+?)__(?!_)", "~~(.+?)~~",
  "\\*(?!\\s)([^*\\n]+?)\\*", "(?<![\\w])_([^_\\n]+?)_(?![\\w])", "\\[([^\\]\\n]+)\\]\\(<?(https?://[^\\s)>]+)>?\\)", "<(https?://[^\\s>]+)>",
  "(https?://[^\\s<>]*[^\\s<>.,:;\"'!?)\\]])", "<t:(-?\\d{1,12})(?::([tTdDfFR]))?>", "<@!?(\\d{1,20})>", "<#(\\d{1,20})>", "</([^:>]{1,100}):\\d{1,20}>"].join("|"), "gs");
function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) nodes.push(text.slice(from, match.index));
    nodes.push(piece(match));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}
function piece(match) {
  const [whole, escaped, code, bold, under, struck, star, low, label, address, angled, bare, seconds, style, user, channel, command] = match;
  if (escaped) return escaped;
  if (code) return el("code", {}, code);
  if (bold) return el("strong", {}, ...inline(bold));
  if (under) return el("u", {}, ...inline(under));
  if (struck) return el("s", {}, ...inline(struck));
  if (star || low) return el("em", {}, ...inline(star || low));
  if (address) return link(address, [label]);
  if (angled || bare) return link(angled || bare, [angled || bare]);
  if (seconds) return moment(Number(seconds), style || "f");
  if (user) return el("span", { className: "mention" }, `@${user === state.bot.id ? state.bot.name : state.people.find((each) => each.id === user)?.name || "unknown"}`);
  if (channel) return el("span", { className: "mention" }, `#${channelOf(channel)?.name || "unknown"}`);
  if (command) return el("span", { className: "mention" }, `/${command}`);
  return whole;
}
function moment(seconds, style) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return "?";
  const formats = { t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
    f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" } };
  const text = style === "R" ? relative(at) : new Intl.DateTimeFormat(undefined, formats[style]).format(at);
  return el("time", { dateTime: at.toISOString(), title: full.format(at) }, text);
}
function relative(at) {
  const gap = (at - Date.now()) / 1000;
  const [unit, size] = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]].find(([, length]) => Math.abs(gap) >= length) || ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(gap / size), unit);
}
function blocks(text) {
  const nodes = [];
  text.split(/```(?:[\w+-]*\n)?([\s\S]*?)```/).forEach((chunk, index) => {
    if (index % 2) { nodes.push(el("pre", {}, el("code", {}, chunk.replace(/\n$/, "")))); return; }
    nodes.push(...lines(chunk.replace(/^\n|\n$/g, "")));
  });
  return nodes;
}
const LINE = [[/^> ?(.*)$/, "quote"], [/^#{1,3} (.+)$/, "head"], [/^-# (.+)$/, "sub"], [/^\s*[-*] (.+)$/, "item"]];
function lines(text) {
  const groups = [];
  for (const line of text === "" ? [] : text.split("\n")) {
    const [pattern, kind] = LINE.find(([each]) => each.test(line)) || [null, "text"];
    const content = pattern ? pattern.exec(line)[1] : line;
    const last = groups.at(-1);
    if (last?.kind === kind && kind !== "head") last.lines.push(content); else groups.push({ kind, lines: [content] });
  }
  return groups.map(({ kind, lines: found }) => {
    if (kind === "item") return el("ul", {}, ...found.map((each) => el("li", {}, ...inline(each))));
    const tag = { quote: "blockquote", head: "h4", sub: "p", text: "p" }[kind];
    return el(tag, { className: kind === "sub" ? "sub" : "" }, ...inline(found.join("\n")));
  });
}

// --- writing ---

ui.say.addEventListener("submit", (event) => { event.preventDefault(); send(); });
ui.composer.addEventListener("input", () => { grow(); complain(""); showMenu(); });
ui.composer.addEventListener("blur", () => setTimeout(hideMenu, 150));
ui.composer.addEventListener("focus", showMenu);
ui.composer.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (!ui.menu.hidden && menuKey(event)) { event.preventDefault(); return; }
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
});
function grow() {
  ui.composer.rows = Math.min(8, ui.composer.value.split("\n").length);
  const left = 2000 - ui.composer.value.length;
  ui.count.textContent = left < 200 ? `· ${left} characters left` : "";
}
function send() {
  const text = ui.composer.value.trim();
  if (!text || !state.place) return;
  if (text.startsWith("/")) {
    const exact = flat().filter((each) => text === `/${each.name}` || text.startsWith(`/${each.name} `)).sort((a, b) => b.name.length - a.name.length)[0];
    if (exact) { pick(exact, text.slice(exact.name.length + 1).trim()); return; }
    complain(state.commands.length ? `There is no command ${text.split(" ")[0]}.` : "The bot has not registered any commands yet.");
    return;
  }
  if (state.socket?.readyState !== 1) { complain("Not sent: the practice server does not answer."); return; }
  tell({ t: "say", channel: state.place, text });
  ui.composer.value = "";
  grow();
  hideMenu();
}

// --- slash commands ---

function flat() {
  const guild = channelOf(state.place)?.guild.id ?? null;
  const usable = state.commands.filter((each) => (each.guild === null || each.guild === guild) && allowedHere(each, guild));
  const found = [];
  const walk = (name, command) => {
    const inner = (command.options || []).filter((option) => option.type === 1 || option.type === 2);
    if (inner.length) for (const option of inner) walk(`${name} ${option.name}`, option);
    else found.push({ name, description: command.description, options: command.options || [] });
  };
  for (const command of usable) walk(command.name, command);
  return found.sort((a, b) => a.name.localeCompare(b.name));
}
function allowedHere(command, guild) {
  if (command.contexts) return command.contexts.includes(guild ? 0 : 1);
  return guild !== null || command.dm_permission !== false;
}
function showMenu() {
  const text = ui.composer.value;
  if (!text.startsWith("/") || text.includes("\n") || !ui.command.hidden || document.activeElement !== ui.composer) { hideMenu(); return; }
  const wanted = text.slice(1).toLowerCase();
  state.found = flat().filter((each) => each.name.includes(wanted.trim()) || wanted.startsWith(`${each.name} `));
  state.choice = state.found.length ? 0 : -1;
  drawMenu();
}
function drawMenu() {
  const items = state.found.map((each, index) => el("li", { role: "option", id: `choice-${index}`, "aria-selected": String(index === state.choice),
    onmousedown: (event) => { event.preventDefault(); pick(each, ""); } },
  el("b", {}, `/${each.name}`), ...each.options.map((option) => el("span", { className: "arg" }, option.required ? option.name : `${option.name}?`)),
  el("small", {}, each.description)));
  if (!items.length) items.push(el("li", { className: "nothing", role: "option", "aria-disabled": "true" }, state.commands.length ? "No command begins like that." : "The bot has not registered any commands yet."));
  ui.menu.replaceChildren(...items);
  ui.menu.hidden = false;
  if (state.choice >= 0) ui.composer.setAttribute("aria-activedescendant", `choice-${state.choice}`);
  ui.menu.children[state.choice]?.scrollIntoView({ block: "nearest" });
}
function hideMenu() {
  ui.menu.hidden = true;
  ui.composer.removeAttribute("aria-activedescendant");
}
function menuKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && state.found.length) {
    state.choice = (state.choice + step + state.found.length) % state.found.length;
    drawMenu();
    return true;
  }
  if (event.key === "Escape") { hideMenu(); return true; }
  const chosen = state.found[state.choice];
  if ((event.key === "Tab" && !event.shiftKey || event.key === "Enter") && chosen) {
    pick(chosen, ui.composer.value.slice(chosen.name.length + 1).trim());
    return true;
  }
  return false;
}
function pick(command, rest_) {
  hideMenu();
  complain("");
  const options = [...command.options].sort((a, b) => Number(Boolean(b.required)) - Number(Boolean(a.required)));
  const fields = options.map((option) => field(option));
  const filled = fields.find((each) => each.input.tagName === "INPUT");
  if (filled && rest_) filled.input.value = rest_;
  ui.command.replaceChildren(el("p", {}, el("strong", {}, `/${command.name} `), el("span", {}, command.description)),
    el("div", { className: "fields" }, ...fields.map((each) => each.label)),
    el("button", { type: "submit", className: "send" }, "Use command"),
    el("button", { type: "button", className: "quiet", onclick: () => { closeCommand(); ui.composer.focus(); } }, "Cancel"));
  ui.command.onsubmit = (event) => { event.preventDefault(); useCommand(command, fields); };
  ui.command.onkeydown = (event) => { if (event.key === "Escape") { closeCommand(); ui.composer.focus(); } };
  ui.command.hidden = false;
  ui.say.hidden = true;
  ui.composer.value = "";
  grow();
  (fields[0]?.input || ui.command.querySelector(".send")).focus();
}
function field(option) {
  const given = option.type === 5 ? [["true", "Yes"], ["false", "No"]]
    : option.type === 6 ? [[state.bot.id, state.bot.name], ...state.people.map((each) => [each.id, each.name])]
    : option.type === 7 ? state.guilds.flatMap((guild) => guild.channels.map((each) => [each.id, `#${each.name}`]))
    : (option.choices || []).map((choice) => [String(choice.value), choice.name]);
  const number = option.type === 4 || option.type === 10;
  const input = given.length
    ? el("select", { required: Boolean(option.required) }, el("option", { value: "" }, option.required ? "Choose" : "Not given"),
      ...given.map(([value, name]) => el("option", { value }, name)))
    : el("input", { type: number ? "number" : "text", required: Boolean(option.required), autocomplete: "off" });
  if (input.tagName === "INPUT") {
    if (number) input.step = option.type === 4 ? "1" : "any";
    if (option.min_value !== undefined) input.min = option.min_value;
    if (option.max_value !== undefined) input.max = option.max_value;
    if (option.min_length !== undefined) input.minLength = option.min_length;
    if (option.max_length !== undefined) input.maxLength = option.max_length;
  }
  return { option, input, label: el("label", {}, option.required ? option.name : `${option.name} (optional)`, el("small", {}, option.description), input) };
}
function useCommand(command, fields) {
  const options = {};
  for (const { option, input } of fields) {
    if (input.value === "") continue;
    options[option.name] = option.type === 5 ? input.value === "true" : option.type === 4 || option.type === 10 ? Number(input.value) : input.value;
  }
  closeCommand();
  tell({ t: "slash", channel: state.place, name: command.name, options });
  ui.composer.focus();
}
function closeCommand() {
  ui.command.hidden = true;
  ui.say.hidden = false;
  ui.command.replaceChildren();
}

connect();
