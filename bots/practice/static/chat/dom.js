// Making and finding elements. Text from others becomes text nodes only, never markup.

export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function face(author) {
  const initial = [...author.name.trim()].slice(0, 1).join("").toUpperCase() || "?";
  const hue = author.bot ? "bot" : `h${Number(BigInt(author.id) % 8n)}`;
  return el("span", { className: `face ${hue}`, ariaHidden: "true" }, initial);
}

export const unseen = (text) => el("span", { className: "unseen" }, text);
export const isPhone = () => matchMedia("(max-width: 640px)").matches;

export function arrows(event, selector = "button") {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll(selector)];
  const next = rows[rows.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

// Say something to a screen reader without moving anything. The region holds the last few, in order.
export function announce(text) {
  const region = $("live");
  region.append(el("p", {}, text));
  while (region.children.length > 5) region.firstElementChild.remove();
}

export function complain(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}

// --- where the focus is, so that it survives a redrawing ---

const CAN_FOCUS = "button:not(:disabled), a[href], input:not(:disabled), textarea:not(:disabled), [tabindex='0']";
const usable = (root) => [...root.querySelectorAll(CAN_FOCUS)];

export function spotOf(node) {
  const row = node?.closest?.("[data-row]");
  if (!row) return null;
  return { row: row.dataset.row, isWhole: row === node, key: node.dataset.key, place: node.dataset.place, index: usable(row).indexOf(node) };
}

// Focus the same thing again: by name, then what stands in its place, then the nearest, then the message itself.
export function focusSpot(root, spot) {
  const row = root.querySelector(`[data-row="${CSS.escape(spot.row)}"]`);
  if (!row) return false;
  const all = usable(row);
  const target = spot.isWhole ? row : all.find((each) => spot.key && each.dataset.key === spot.key)
    || all.find((each) => spot.place && each.dataset.place === spot.place)
    || all[Math.min(Math.max(spot.index, 0), all.length - 1)] || row;
  target.focus({ preventScroll: true });
  return true;
}

// --- times ---

export const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
export const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
export const dayName = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
