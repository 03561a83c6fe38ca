// What can be done with a message: react, reply, edit, delete, copy.

import { announce, arrows, el, isPhone } from "./dom.js";
import { confirmDialog } from "./dialogs.js";
import { beginEdit, beginReply } from "./compose.js";
import { plain } from "./markdown.js";
import { channelOf, may, state } from "./state.js";
import { tell } from "./socket.js";

const MANAGE_MESSAGES = 1n << 13n;
const EMOJI = [["👍", "thumbs up"], ["❤️", "heart"], ["😂", "laughing"], ["🎉", "party"], ["😢", "sad"], ["👀", "eyes"]];

export function react(message, emoji) {
  tell({ t: "react", channel: message.channel, message: message.id, emoji });
}

export function actionsButton(message) {
  const button = el("button", { type: "button", className: "more", "data-key": "more", tabIndex: -1, "aria-haspopup": "menu", "aria-expanded": "false",
    ariaLabel: `What to do with the message of ${message.author.name}`, title: "React, reply and more", onclick: () => openMenu(button, message) }, "⋯");
  return button;
}

function openMenu(button, message) {
  if (button.ariaExpanded === "true") return;
  const isMine = message.author.id === state.me;
  const guild = channelOf(message.channel)?.guild.id;
  const mayDelete = isMine || (guild && may(guild, MANAGE_MESSAGES));
  const item = (label, act, name = null, className = "") => el("button", { type: "button", role: "menuitem", tabIndex: -1, ariaLabel: name, className,
    onclick: () => { close(); act(); } }, label);
  const menu = el("div", { className: "actions", role: "menu", popover: "manual", ariaLabel: "Message" },
    el("div", { className: "emoji-row" }, ...EMOJI.map(([emoji, name]) => item(emoji, () => react(message, emoji), `React with ${name}`, "emoji"))),
    item("Reply", () => beginReply(message)),
    isMine ? item("Edit message", () => beginEdit(message)) : null,
    item("Copy text", () => copy(message)),
    mayDelete ? item("Delete message", () => askDelete(message), null, "danger") : null);
  let isOpen = true; // taking the menu away takes its focus away, which closes it, too
  const close = (refocus = true) => {
    if (!isOpen) return;
    isOpen = false;
    menu.remove();
    button.ariaExpanded = "false";
    removeEventListener("pointerdown", away, true);
    if (refocus) button.focus();
  };
  const away = (event) => { if (!menu.contains(event.target)) close(false); };
  menu.addEventListener("keydown", (event) => walk(event, close));
  menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) close(false); });
  addEventListener("pointerdown", away, true);
  button.closest("main").append(menu);
  menu.showPopover?.();
  button.ariaExpanded = "true";
  put(menu, button.getBoundingClientRect());
  menu.querySelector("button").focus();
}

function walk(event, close) {
  if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); event.stopPropagation(); close(); return; }
  const sideways = { ArrowRight: "ArrowDown", ArrowLeft: "ArrowUp" }[event.key];
  if (!sideways) { arrows(event); return; }
  const all = [...event.currentTarget.querySelectorAll("button")];
  const next = all[all.indexOf(document.activeElement) + (event.key === "ArrowRight" ? 1 : -1)];
  event.preventDefault();
  next?.focus();
}

function put(menu, around) {
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, (isPhone() ? innerWidth : around.right) - width - (isPhone() ? 12 : 0))}px`;
  menu.style.top = `${Math.max(8, Math.min(around.bottom + 4, innerHeight - height - 8))}px`;
}

async function copy(message) {
  try {
    await navigator.clipboard.writeText(message.text);
    announce("Copied.");
  } catch {
    announce("The browser did not allow copying.");
  }
}

export function askDelete(message) {
  const text = "It goes away for everybody. This cannot be taken back.";
  confirmDialog({ title: "Delete this message?", text, action: "Delete", excerpt: plain(message.text).slice(0, 200) },
    () => tell({ t: "delete", channel: message.channel, message: message.id }));
}
