// A little markdown, as Discord shows it, straight to nodes.

import { el, full } from "./dom.js";
import { channelOf, nameOf, state } from "./state.js";

export function link(address, children, className = "") {
  let url = null;
  try { url = new URL(address); } catch { /* not a link */ }
  if (!url || !["http:", "https:"].includes(url.protocol)) return el("span", {}, ...children);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", className }, ...children);
}

const PIECES = [
  ["escaped", "\\\\([\\\\*_~`|<>#\\[\\]()@.-])"],
  ["code", "``(.+?)``(?!`)|`([^`\\n]+)`"],
  ["strongem", "\\*\\*\\*(.+?)\\*\\*\\*"],
  ["bold", "\\*\\*(.+?)\\*\\*(?!\\*)"],
  ["under", "__(.+?)__(?!_)"],
  ["struck", "~~(.+?)~~"],
  ["spoiler", "\\|\\|(.+?)\\|\\|"],
  ["star", "\\*(?!\\s)([^*\\n]+?)\\*"],
  ["low", "(?<!\\w)_([^_\\n]+?)_(?!\\w)"],
  ["label", "\\[([^\\]\\n]+)\\]\\(<?(https?://[^\\s)>]+)>?\\)"],
  ["address", "<(https?://[^\\s>]+)>|(https?://[^\\s<>]*[^\\s<>.,:;\"'!?)\\]])"],
  ["moment", "<t:(-?\\d{1,12})(?::([tTdDfFR]))?>"],
  ["user", "<@!?(\\d{1,20})>"],
  ["role", "<@&(\\d{1,20})>"],
  ["channel", "<#(\\d{1,20})>"],
  ["command", "</([^:>]{1,100}):\\d{1,20}>"],
  ["emoji", "<a?:(\\w{1,40}):\\d{1,20}>"],
];
const INLINE = new RegExp(PIECES.map(([name, source]) => `(?<${name}>${source})`).join("|"), "gs");

const mention = (text) => el("span", { className: "mention" }, text);
const DRAW = {
  escaped: ([text]) => text,
  code: ([double, single]) => el("code", {}, double ?? single),
  strongem: ([text]) => el("strong", {}, el("em", {}, ...inline(text))),
  bold: ([text]) => el("strong", {}, ...inline(text)),
  under: ([text]) => el("u", {}, ...inline(text)),
  struck: ([text]) => el("s", {}, ...inline(text)),
  spoiler: ([text]) => spoiler(text),
  star: ([text]) => el("em", {}, ...inline(text)),
  low: ([text]) => el("em", {}, ...inline(text)),
  label: ([label, address]) => link(address, [label]),
  address: ([angled, bare]) => link(angled ?? bare, [angled ?? bare]),
  moment: ([seconds, style]) => moment(Number(seconds), style || "f"),
  user: ([id]) => mention(`@${nameOf(id) || "unknown"}`),
  role: ([id]) => mention(`@${state.guilds.map((each) => each.roles[id]).find(Boolean) || "unknown role"}`),
  channel: ([id]) => channelMention(id),
  command: ([name]) => mention(`/${name}`),
  emoji: ([name]) => `:${name}:`,
};

export function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) nodes.push(text.slice(from, match.index));
    const at = match.slice(1).findIndex((each) => each !== undefined);
    const name = Object.keys(match.groups).find((each) => match.groups[each] !== undefined);
    nodes.push(DRAW[name](match.slice(at + 2, at + 4)));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

function channelMention(id) {
  const channel = channelOf(id);
  if (!channel) return mention("#unknown");
  return el("a", { className: "mention", href: `#${state.me}/${id}` }, `#${channel.name}`);
}

function spoiler(text) {
  const inner = el("span", { ariaHidden: "true" }, ...inline(text));
  const open = () => { inner.ariaHidden = null; node.replaceWith(el("span", { className: "spoiler open" }, inner)); };
  const node = el("button", { type: "button", className: "spoiler", ariaLabel: "Spoiler, press to show it", onclick: open }, inner);
  return node;
}

// --- times, in the reader's zone ---

const FORMATS = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

function moment(seconds, style) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return "Invalid date";
  const text = style === "R" ? relative(at) : new Intl.DateTimeFormat(undefined, FORMATS[style]).format(at);
  return el("time", { dateTime: at.toISOString(), title: full.format(at), "data-relative": style === "R" ? "" : null }, text);
}

function relative(at) {
  const gap = (at - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(gap) >= length) || ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(gap / size), unit);
}

setInterval(() => {
  for (const each of document.querySelectorAll("time[data-relative]")) each.textContent = relative(new Date(each.dateTime));
}, 20_000);

// --- lines and blocks ---

export function blocks(text) {
  const nodes = [];
  text.split(/```(?:[\w+-]*\n)?([\s\S]*?)```/).forEach((chunk, index) => {
    if (index % 2) nodes.push(el("pre", { tabIndex: 0, ariaLabel: "Code" }, el("code", {}, chunk.replace(/\n$/, ""))));
    else nodes.push(...lines(chunk.replace(/^\n|\n$/g, "")));
  });
  return nodes;
}

const LINE = [
  [/^()> ?(.*)$/, "quote"], [/^(#{1,3}) (.+)$/, "head"], [/^()-# (.+)$/, "sub"],
  [/^(\s*)[-*] (.+)$/, "item"], [/^(\s*\d{1,4})\. (.+)$/, "number"],
];

function lines(text) {
  const groups = [];
  let rest = false; // ">>>" quotes everything after it
  for (const line of text === "" ? [] : text.split("\n")) {
    const all = !rest && line.startsWith(">>> ");
    rest ||= all;
    const found = rest ? [null, "", all ? line.slice(4) : line] : null;
    const [pattern, kind] = found ? [null, "quote"] : LINE.find(([each]) => each.test(line)) || [null, "text"];
    const [, mark, content] = found || (pattern ? pattern.exec(line) : [null, "", line]);
    const last = groups.at(-1);
    if (last?.kind === kind && kind !== "head") last.lines.push([mark, content]);
    else groups.push({ kind, lines: [[mark, content]] });
  }
  return groups.map(group);
}

function group({ kind, lines: found }) {
  const text = found.map(([, content]) => content).join("\n");
  if (kind === "item") return el("ul", {}, ...found.map(([mark, each]) => el("li", { className: mark.length > 1 ? "deep" : "" }, ...inline(each))));
  if (kind === "number") return el("ol", { start: Number(found[0][0]) }, ...found.map(([, each]) => el("li", {}, ...inline(each))));
  if (kind === "quote") return el("blockquote", {}, ...inline(text));
  if (kind === "head") return el(`h${found[0][0].length + 2}`, {}, ...inline(text));
  return el("p", { className: kind === "sub" ? "sub" : isEmojiOnly(text) ? "large" : "" }, ...inline(text));
}

const isEmojiOnly = (text) => text.length <= 40 && /^[\p{Extended_Pictographic}\u{1F3FB}-\u{1F3FF}\u200d\ufe0f\s]+$/u.test(text) && /\S/.test(text);

// What a message says, in one line without its marks: for screen readers and excerpts.
export function plain(text) {
  const holder = el("div", {}, ...blocks(text));
  return holder.textContent.replace(/\s+/g, " ").trim();
}
