// One message, drawn.

import { actionsButton, react } from "./actions.js";
import { components } from "./components.js";
import { clock, el, face, full, unseen } from "./dom.js";
import { embed, file } from "./embeds.js";
import { blocks, plain } from "./markdown.js";
import { state } from "./state.js";

export function drawMessage(message, { first, dismiss }) {
  const at = new Date(message.at);
  const time = () => el("time", { dateTime: message.at, title: full.format(at) }, clock.format(at));
  const item = el("li", { className: `msg ${first ? "first" : ""} ${message.ephemeral ? "private" : ""} ${mentionsMe(message) ? "forme" : ""}`,
    "data-row": message.id, tabIndex: -1 });
  const over = message.used ? usedLine(message.used) : message.reply ? replyLine(message.reply) : null;
  if (over) item.append(el("span", { className: "bend", ariaHidden: "true" }), over);
  const content = el("div", { className: "content" });
  if (first) content.append(author(message.author, time()));
  else content.append(unseen(`${message.author.name}, ${clock.format(at)}: `));
  content.append(body(message), ...message.embeds.map(embed), ...message.attachments.map(file), ...components(message));
  if (message.reactions.length) content.append(reactions(message));
  if (message.ephemeral) content.append(onlyYou(dismiss));
  item.append(el("span", { className: "side" }, first ? face(message.author) : time()), content);
  if (!message.ephemeral) item.append(actionsButton(message));
  return item;
}

function author(who, time) {
  return el("p", { className: "who" }, el("b", {}, who.name), who.bot ? el("span", { className: "tag" }, "APP") : null, time);
}

const mentionsMe = (message) => message.author.id !== state.me && message.text.includes(`<@${state.me}>`);

function body(message) {
  const node = el("div", { className: "body" }, ...blocks(message.text));
  if (message.edited) {
    const last = node.lastElementChild;
    (last?.tagName === "P" ? last : node).append(" ", el("span", { className: "edited" }, "(edited)"));
  }
  return node;
}

function usedLine(used) {
  return el("p", { className: "used" }, el("b", {}, used.by), " used ", el("code", {}, `/${used.command}`));
}

function replyLine(reply) {
  const text = plain(reply.text).slice(0, 120);
  return el("p", { className: "used" }, unseen("In reply to "), reply.name ? el("b", {}, reply.name) : null, reply.name ? " " : null, text);
}

function reactions(message) {
  return el("div", { className: "reactions" }, ...message.reactions.map((each) =>
    el("button", { type: "button", className: `reaction ${each.me ? "me" : ""}`, "aria-pressed": String(each.me), "data-key": `react:${each.emoji}`,
      ariaLabel: `${each.emoji} ${each.count}: ${each.me ? "take yours back" : "react the same"}`,
      onclick: () => react(message, each.emoji) }, each.emoji, " ", el("b", {}, String(each.count)))));
}

function onlyYou(dismiss) {
  return el("p", { className: "only" }, el("span", { className: "eye", ariaHidden: "true" }), el("span", {}, "Only you can see this ·"),
    el("button", { type: "button", className: "link", "data-key": "dismiss", onclick: dismiss }, "Dismiss message"));
}

// A line of the page's own, in the bot's name: it is thinking, or it did not answer.
export function drawNote(note, dismiss) {
  const bot = { ...state.bot, bot: true };
  const item = el("li", { className: `msg first note ${note.kind} ${note.ephemeral ? "private" : ""}`, "data-row": note.id, tabIndex: -1 });
  if (note.used) item.append(el("span", { className: "bend", ariaHidden: "true" }), usedLine(note.used));
  const text = el("div", { className: "body" }, note.kind === "waiting" ? el("span", { className: "dots" }, note.text) : note.text);
  item.append(el("span", { className: "side" }, face(bot)), el("div", { className: "content" },
    el("p", { className: "who" }, el("b", {}, bot.name), el("span", { className: "tag" }, "APP")), text,
    note.ephemeral ? onlyYouOrWait(note, dismiss) : null));
  return item;
}

const onlyYouOrWait = (note, dismiss) => (note.kind === "waiting" ? el("p", { className: "only" }, "Only you can see this") : onlyYou(dismiss));
