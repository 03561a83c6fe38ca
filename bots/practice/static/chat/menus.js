// A list of choices that belongs to a control. The focus stays on the control, which speaks for the list.

import { el, isPhone } from "./dom.js";

let count = 0;
const GAP = 6;
const open = new Set();

// Close the lists whose control has been redrawn.
export function closeOrphans() {
  for (const each of open) if (!each.owner.isConnected) each.hide();
}

export class Choices {
  // `pick(option)` is called for each choice, `left(cancelled)` when the list closes without one.
  constructor(owner, { label, pick, left = () => {}, many = false, footer = null, anchor = owner }) {
    count += 1;
    Object.assign(this, { owner, pick, left, many, anchor, options: [], at: -1, typed: "", typedAt: 0 });
    this.list = el("ul", { role: "listbox", id: `choices-${count}`, ariaLabel: label, "aria-multiselectable": many ? "true" : null });
    // A click here must not take the focus away from the control: that would close the list before it counts.
    this.box = el("div", { className: "choices", popover: "manual", onmousedown: (event) => event.preventDefault() }, this.list, footer);
    this.follow = () => this.put();
    this.away = (event) => { if (!this.box.contains(event.target) && !this.owner.contains(event.target)) this.close(false); };
    this.tellOpen(false);
    owner.addEventListener("blur", () => { if (this.isOpen && !this.many) this.close(false); });
  }

  get isOpen() { return this.box.isConnected; }
  get active() { return this.options[this.at]; }

  // Options are {value, label, note, chosen, parts}; the first chosen one is where the arrows begin.
  show(options, nothing = "", at = null) {
    this.options = options;
    this.at = at ?? Math.max(options.findIndex((each) => each.chosen), options.length ? 0 : -1);
    if (!this.isOpen) this.open();
    this.draw(nothing);
    this.put();
  }

  open() {
    this.owner.closest("dialog, main").append(this.box);
    this.box.showPopover?.();
    open.add(this);
    this.tellOpen(true);
    addEventListener("scroll", this.follow, { capture: true, passive: true });
    addEventListener("resize", this.follow);
    addEventListener("pointerdown", this.away, true);
  }

  close(cancelled = true) {
    if (!this.isOpen) return;
    this.hide();
    this.left(cancelled);
  }

  hide() {
    this.box.remove();
    open.delete(this);
    this.tellOpen(false);
    this.owner.removeAttribute("aria-activedescendant");
    removeEventListener("scroll", this.follow, { capture: true });
    removeEventListener("resize", this.follow);
    removeEventListener("pointerdown", this.away, true);
  }

  // A box for whole messages is no combobox: it speaks through the choice that the arrows are at.
  tellOpen(isOpen) {
    if (this.owner.tagName !== "TEXTAREA") this.owner.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.owner.setAttribute("aria-controls", this.list.id); else this.owner.removeAttribute("aria-controls");
  }

  draw(nothing = "") {
    const rows = this.options.map((each, index) => this.row(each, index));
    if (!rows.length) rows.push(el("li", { className: "nothing", role: "option", ariaDisabled: "true" }, nothing));
    this.list.replaceChildren(...rows);
    this.point();
  }

  row(option, index) {
    return el("li", { role: "option", id: `${this.list.id}-${index}`, "aria-selected": String(this.many ? Boolean(option.chosen) : index === this.at),
      "aria-disabled": option.off ? "true" : null, className: option.chosen ? "chosen" : "",
      onclick: () => { this.at = index; this.choose(); } },
    this.many ? el("span", { className: "check", ariaHidden: "true" }, option.chosen ? "✓" : "") : null,
    el("span", { className: "label" }, ...(option.parts || [el("b", {}, option.label)]), option.note ? el("small", {}, option.note) : null),
    !this.many && option.chosen ? el("span", { className: "tick", ariaHidden: "true" }, "✓") : null);
  }

  point() {
    [...this.list.children].forEach((row, index) => {
      row.classList.toggle("at", index === this.at);
      if (!this.many && this.options.length) row.setAttribute("aria-selected", String(index === this.at));
    });
    if (this.at < 0) { this.owner.removeAttribute("aria-activedescendant"); return; }
    this.owner.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  choose() {
    const option = this.active;
    if (!option || option.off) return;
    if (!this.many) this.hide();
    this.pick(option);
  }

  // Return whether a key was for the list.
  key(event) {
    if (!this.isOpen) return false;
    const last = this.options.length - 1;
    const moves = { ArrowDown: this.at >= last ? 0 : this.at + 1, ArrowUp: this.at <= 0 ? last : this.at - 1,
      PageDown: Math.min(last, this.at + 8), PageUp: Math.max(0, this.at - 8) };
    if (event.key in moves && last >= 0) { this.at = moves[event.key]; this.point(); return true; }
    if (event.key === "Escape") { this.close(true); return true; }
    return false;
  }

  // Go to the choice that begins with what is typed quickly, as menus do.
  seek(letter, now) {
    this.typed = now - this.typedAt < 900 ? this.typed + letter : letter;
    this.typedAt = now;
    const found = this.options.findIndex((each) => each.label.toLowerCase().startsWith(this.typed.toLowerCase()));
    if (found >= 0) { this.at = found; this.point(); }
  }

  put() {
    if (!this.owner.isConnected) { this.hide(); return; }
    const style = this.box.style;
    const around = this.anchor.getBoundingClientRect();
    const below = innerHeight - around.bottom - 2 * GAP;
    const above = around.top - 2 * GAP;
    const upward = below < Math.min(this.box.scrollHeight, 260) && above > below;
    const width = Math.max(around.width, Math.min(260, innerWidth - 2 * GAP));
    style.maxHeight = `${Math.min(380, upward ? above : below)}px`;
    style.width = isPhone() ? `${innerWidth - 4 * GAP}px` : `${width}px`;
    style.left = isPhone() ? `${2 * GAP}px` : `${Math.max(GAP, Math.min(around.left, innerWidth - width - GAP))}px`;
    style.top = upward ? "auto" : `${around.bottom + GAP}px`;
    style.bottom = upward ? `${innerHeight - around.top + GAP}px` : "auto";
  }
}

// A box to type in that offers what fits: for members, channels and a command's own choices.
// With `complete`, the bot is asked for what fits, and anything else may be typed as well.
export function suggestions(input, options, { label, nothing = "Nothing fits.", complete = null }) {
  const choices = new Choices(input, { label, pick: (option) => take(option) });
  let chosen = null;
  const take = (option) => { chosen = option; input.value = option.label; input.setCustomValidity(""); };
  const fitting = () => {
    const wanted = chosen?.label === input.value ? "" : input.value.trim().toLowerCase();
    if (complete) return options;
    const found = options.filter((each) => `${each.label} ${each.note || ""}`.toLowerCase().includes(wanted)).slice(0, 50);
    return found.map((each) => ({ ...each, chosen: each.value === chosen?.value }));
  };
  // In an empty optional box nothing is taken up yet: Enter leaves it empty.
  const begin = () => (input.value || input.required ? null : -1);
  const offer = () => { if (options.length || !complete) choices.show(fitting(), nothing, begin()); else choices.hide(); };
  const show = () => {
    if (!complete) { offer(); return; }
    const asked = input.value;
    choices.hide(); // what stood there was for other letters
    complete(asked, (found) => { if (input.value === asked && document.activeElement === input) { options = found; offer(); } });
  };
  Object.entries({ role: "combobox", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false" })
    .forEach(([name, value]) => input.setAttribute(name, value));
  input.addEventListener("focus", show);
  input.addEventListener("click", show);
  input.addEventListener("input", () => { chosen = null; input.setCustomValidity(""); show(); });
  input.addEventListener("keydown", (event) => {
    if (!choices.isOpen && event.key === "ArrowDown") { event.preventDefault(); show(); return; }
    const takes = (event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab";
    if (choices.isOpen && takes && choices.active && (input.value || event.key === "Enter")) {
      choices.choose();
      if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); }
      return;
    }
    if (choices.key(event)) { event.preventDefault(); event.stopPropagation(); }
  });
  // What was typed in full counts as chosen, too.
  const value = () => {
    const exact = options.find((each) => each.label.toLowerCase() === input.value.trim().toLowerCase());
    return (chosen ?? exact)?.value ?? null;
  };
  if (complete) return { value: () => value() ?? (input.value.trim() || null), isWrong: () => false };
  return { value, isWrong: () => input.value.trim() !== "" && value() === null };
}
