// The connection to the practice server: what it says is heard by whoever registered, what is asked may be answered.

import { $ } from "./dom.js";

const ears = new Map();
const asked = new Map();
let socket = null;
let tries = 0;
let count = 0;

export function hear(kind, listener) {
  ears.set(kind, [...(ears.get(kind) || []), listener]);
}

export const isOpen = () => socket?.readyState === 1;

export function tell(payload) {
  if (isOpen()) socket.send(JSON.stringify(payload));
}

// Ask for something that the bot answers. `settled` gets what became of it: an `answered`, or an `error`.
export function ask(payload, settled) {
  if (!isOpen()) {
    settled({ t: "error", text: "The practice server does not answer. Try again in a moment." });
    return;
  }
  count += 1;
  asked.set(count, { settled, interaction: null });
  tell({ ...payload, ref: count });
}

function settle(said) {
  for (const [ref, each] of asked) {
    const concerned = said.t === "answered" ? each.interaction === said.interaction : ref === said.ref;
    if (!concerned) continue;
    if (said.t === "asked") { each.interaction = said.interaction; continue; }
    asked.delete(ref);
    each.settled(said);
  }
}

function receive(said) {
  for (const listener of ears.get(said.t) || []) listener(said);
  if (["asked", "answered", "error"].includes(said.t)) settle(said);
}

export function connect() {
  socket = new WebSocket(`ws://${location.host}/chat/ws`);
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("open", () => { tries = 0; $("lost").hidden = true; });
  socket.addEventListener("close", () => {
    $("lost").hidden = false;
    for (const each of asked.values()) each.settled({ t: "error", text: "The connection to the practice server was cut." });
    asked.clear();
    tries += 1;
    setTimeout(connect, Math.min(5000, 300 * 2 ** tries));
  });
}
