// The two lists: who one may be, and where one may be. The address says both, so that reload and Back work.

import { $, arrows, el, face, isPhone, unseen } from "./dom.js";
import { leaveChannel } from "./compose.js";
import { channelOf, hasNews, lastRead, later, loadRead, person, rereadFrom, state } from "./state.js";
import { hear, tell } from "./socket.js";
import { draw, open, readNow, rest } from "./talk.js";

const MOST = 200;
const LONG_LIST = 12;

// --- where we are: #member/channel ---

export function go(...parts) {
  const hash = `#${parts.filter(Boolean).join("/")}`;
  if (location.hash === hash) follow(); else location.hash = hash;
}

export function follow() {
  const [me, where] = location.hash.slice(1).split("/");
  const known = state.people.some((each) => each.id === me);
  document.body.dataset.view = !known ? "people" : where ? "talk" : "places";
  if (!known) { rest("Choose who you are", `Pick a member on the left and write as that person. ${state.bot.name} answers as it would on Discord: it cannot tell the difference.`); return; }
  if (state.me !== me) { become(me); return; }
  if (!state.dm) return;
  const place = where === "dm" ? state.dm : where;
  if (place && place !== state.place) open(place);
  else if (!place) rest("Choose a channel", "Your private conversation with the bot is first in the list.");
  showPlaces();
}

function become(me) {
  leaveChannel();
  Object.assign(state, { me, dm: null, place: null });
  state.asides.clear();
  state.notes.clear();
  tell({ t: "become", user: me });
}

hear("you", (said) => {
  state.dm = said.dm;
  loadRead();
  $("me-name").textContent = person()?.name || "Channels";
  follow();
  showPeople();
});

addEventListener("hashchange", follow);
for (const back of document.querySelectorAll("[data-back]")) {
  back.addEventListener("click", () => (document.body.dataset.view === "talk" ? go(state.me) : go()));
}

// --- what the server tells of the world ---

function takeWorld(said) {
  Object.assign(state, { people: said.people, guilds: said.guilds, commands: said.commands });
  showPeople();
  if (state.me) showPlaces();
}

hear("welcome", (said) => {
  state.bot = said.bot;
  takeWorld(said);
  showStatus(said.online);
  leaveChannel();
  state.me = null;
  follow();
});
hear("people", takeWorld);
hear("status", (said) => showStatus(said.online));
hear("elsewhere", (said) => {
  const other = state.people.find((each) => each.id === said.user);
  if (other) { other.dm = said.message; showPeople(); }
});

function showStatus(online) {
  state.online = online;
  const status = $("status");
  status.textContent = online ? `${state.bot.name} is online` : `${state.bot.name} is offline`;
  status.classList.toggle("online", online);
  status.title = status.textContent;
  showPlaces();
}

// --- members ---

const badge = (title, more) => el("span", { className: "badge", title }, "new", unseen(more));

export function showPeople() {
  const list = $("people");
  const wanted = $("search").value.trim().toLowerCase();
  const fitting = state.people.filter((each) => !wanted || `${each.name} ${each.username}`.toLowerCase().includes(wanted));
  // In a long list, whoever has a message waiting, and who one is, would be hard to find.
  const rank = (each) => (each.id === state.me ? 0 : hasNews(each) ? 1 : 2);
  if (state.people.length > LONG_LIST) fitting.sort((a, b) => rank(a) - rank(b));
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.person : null;
  list.replaceChildren(...fitting.slice(0, MOST).map(personRow));
  if (focused) list.querySelector(`[data-person="${focused}"]`)?.focus();
  const note = $("people-note");
  note.hidden = fitting.length > 0 && fitting.length <= MOST;
  note.textContent = fitting.length ? `${fitting.length - MOST} more. Search to find them.` : "Nobody has that name.";
}

function personRow(each) {
  const news = hasNews(each);
  return el("li", {}, el("button", { type: "button", className: `row ${news ? "unread" : ""}`, "data-person": each.id,
    "aria-current": String(each.id === state.me), onclick: () => go(each.id, isPhone() ? "" : "dm") },
  face(each), el("span", { className: "label" }, each.name, el("small", {}, each.guilds.length ? `@${each.username}` : "has left")),
  news ? badge("A private message waits", " private message") : null));
}

$("search").addEventListener("input", showPeople);
$("search").addEventListener("keydown", (event) => {
  const first = $("people").querySelector("button");
  if (event.key === "Enter" && first) first.click();
  if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
});
for (const id of ["people", "places"]) $(id).addEventListener("keydown", (event) => arrows(event));

// --- channels ---

export function showPlaces() {
  const list = $("places");
  if (!state.me || !state.dm) { list.replaceChildren(el("p", { className: "note" }, "Choose a member first.")); return; }
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.place : null;
  const me = person();
  const own = placeRow({ id: state.dm, where: "dm", sign: face({ ...state.bot, bot: true }), label: state.bot.name,
    note: state.online ? "online" : "offline", last: me ? me.dm : "0" });
  const parts = [el("h3", {}, "Private"), el("ul", {}, own)];
  for (const guild of state.guilds.filter((each) => me?.guilds.includes(each.id))) {
    parts.push(el("h3", {}, guild.name), el("ul", {}, ...inOrder(guild.channels).map(channelRow)));
  }
  list.replaceChildren(...parts);
  if (focused) list.querySelector(`[data-place="${focused}"]`)?.focus();
  const unread = list.querySelectorAll(".unread").length;
  document.title = unread ? `(${unread}) Practice Discord` : "Practice Discord";
}

// Threads stand below their channel.
function inOrder(channels) {
  const ids = new Set(channels.map((each) => each.id));
  const tops = channels.filter((each) => !ids.has(each.parent));
  return tops.flatMap((each) => [each, ...channels.filter((inner) => inner.parent === each.id)]);
}

function channelRow(each) {
  const isThread = Boolean(each.parent && channelOf(each.parent));
  const sign = el("span", { className: "sign", ariaHidden: "true" }, isThread ? "↳" : "#");
  return placeRow({ id: each.id, where: each.id, sign, label: each.name, note: isThread ? (each.archived ? "archived thread" : "thread") : "", last: each.last, deep: isThread });
}

function placeRow({ id, where, sign, label, note, last, deep = false }) {
  const unread = later(last, lastRead(id));
  return el("li", {}, el("button", { type: "button", className: `row ${unread ? "unread" : ""} ${deep ? "deep" : ""}`, "data-place": id,
    "aria-current": String(id === state.place), onclick: () => go(state.me, where) },
  sign, el("span", { className: "label" }, label, note ? el("small", {}, note) : null),
  unread ? badge("Unread", " messages") : null));
}

addEventListener("storage", (event) => { rereadFrom(event); showPlaces(); showPeople(); });
document.addEventListener("visibilitychange", () => { readNow(); showPlaces(); showPeople(); });
hear("people", () => { if (state.place) draw(); });
