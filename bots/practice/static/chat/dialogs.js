// Dialogs: the rest of the page waits, Tab stays inside, Escape leaves, and the focus goes back to where it was.

import { $, el, focusSpot, spotOf } from "./dom.js";

const INSIDE = "button:not(:disabled), input:not(:disabled), textarea:not(:disabled), a[href]";

// `fill(close)` returns the dialog's children; `left()` is called when it is closed without `close(true)`.
export function openDialog({ label, className = "", fill, left = () => {} }) {
  const before = document.activeElement;
  const spot = spotOf(before);
  let isDone = false;
  const node = el("dialog", { className, "aria-labelledby": "dialog-title" });
  const close = (done = false) => { isDone = done; node.close(); };
  node.append(el("h2", { id: "dialog-title" }, label), ...fill(close));
  node.addEventListener("keydown", (event) => { if (event.key === "Tab") keepInside(node, event); });
  node.addEventListener("close", () => {
    node.remove();
    giveBack(before, spot);
    if (!isDone) left();
  });
  document.body.append(node);
  node.showModal();
  return node;
}

function keepInside(node, event) {
  const all = [...node.querySelectorAll(INSIDE)].filter((each) => each.offsetParent !== null);
  const edge = event.shiftKey ? all[0] : all.at(-1);
  if (document.activeElement !== edge && node.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0])?.focus();
}

function giveBack(before, spot) {
  if (before?.isConnected && before !== document.body && !before.disabled) before.focus();
  else if (!spot || !focusSpot($("messages"), spot)) $("composer").focus();
}

export function confirmDialog({ title, text, action, excerpt = "" }, agreed) {
  openDialog({
    label: title, className: "confirm",
    fill: (close) => [el("p", {}, text), excerpt ? el("blockquote", {}, excerpt) : null,
      el("p", { className: "buttons" },
        el("button", { type: "button", className: "quiet", autofocus: true, onclick: () => close() }, "Cancel"),
        el("button", { type: "button", className: "strong danger", onclick: () => { close(true); agreed(); } }, action))].filter(Boolean),
  });
}
