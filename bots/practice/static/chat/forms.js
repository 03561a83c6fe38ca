// The bot's forms: a dialog of texts, checked here before they are sent.

import { announce, el } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { blocks } from "./markdown.js";
import { state } from "./state.js";
import { ask } from "./socket.js";

const TYPES = { text: 10, input: 4, label: 18 };
const LONG = 2;

export function openForm(said) {
  const form = said.form || {};
  const rows = (form.components || []).flatMap(rowOf);
  const fields = rows.filter((each) => each.input);
  let isSent = false;
  openDialog({ label: form.title || "A form", className: "form", fill: (close) => {
    const problem = el("p", { className: "error", role: "alert", hidden: true });
    const submit = el("button", { type: "submit", className: "strong" }, "Submit");
    const node = el("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); send(); } },
      el("p", { className: "sub" }, `What you write here goes to ${state.bot.name} alone.`),
      ...rows.map((each) => each.node), problem,
      el("p", { className: "buttons" }, el("button", { type: "button", className: "quiet", onclick: () => close() }, "Cancel"), submit));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
    });
    const send = () => {
      if (isSent) return;
      const wrong = fields.filter((each) => !each.check());
      if (wrong.length) { wrong[0].input.focus(); return; }
      isSent = true;
      problem.hidden = true;
      submit.textContent = "Sending…";
      submit.ariaDisabled = "true";
      const values = Object.fromEntries(fields.map((each) => [each.id, each.input.value]));
      ask({ t: "submit", interaction: said.interaction, values }, (answer) => {
        isSent = false;
        submit.textContent = "Submit";
        submit.ariaDisabled = null;
        const failed = answer.t === "error" || answer.state === "failed";
        if (!failed) { close(true); return; }
        problem.textContent = answer.text || "Something went wrong. Try again.";
        problem.hidden = false;
      });
    };
    return [node];
  } });
  fields[0]?.input.focus();
  announce(`${form.title || "A form"}: ${fields.length === 1 ? "one field" : `${fields.length} fields`}`);
}

function rowOf(row) {
  if (row.type === TYPES.text) return [{ node: el("div", { className: "body" }, ...blocks(row.content || "")) }];
  if (row.type === TYPES.label) return [field(row.component || {}, row.label, row.description)];
  return (row.components || []).map((each) => field(each, each.label, ""));
}

let count = 0;

function field(data, label, description) {
  if (data.type !== TYPES.input) return { node: el("p", { className: "sub" }, `${label}: the practice page has forms of texts only.`) };
  count += 1;
  const id = `field-${count}`;
  const isRequired = data.required !== false;
  const least = data.min_length ?? 0;
  const most = data.max_length ?? 4000;
  const isLong = data.style === LONG;
  const input = el(isLong ? "textarea" : "input", { id, value: data.value || "", placeholder: data.placeholder || "", autocomplete: "off",
    required: isRequired, "aria-describedby": `${id}-help ${id}-problem` });
  if (isLong) input.rows = 4; else input.type = "text";
  const left = el("span", { className: "left" });
  const problem = el("p", { className: "error", id: `${id}-problem` });
  const help = el("p", { className: "help", id: `${id}-help` }, description || "", left);
  const tellLeft = () => { left.textContent = data.max_length || input.value.length > 3500 ? `${input.value.length} of ${most}` : ""; };
  const check = () => {
    problem.textContent = fault(input.value, { isRequired, least, most });
    input.ariaInvalid = problem.textContent ? "true" : null;
    return !problem.textContent;
  };
  input.addEventListener("input", () => { tellLeft(); if (input.ariaInvalid) check(); });
  tellLeft();
  const mark = isRequired ? el("span", { className: "must", ariaHidden: "true" }, " *") : el("span", { className: "maybe" }, " (optional)");
  return { id: data.custom_id, input, check, node: el("div", { className: "field" }, el("label", { htmlFor: id }, label || "Text", mark), input, help, problem) };
}

function fault(text, { isRequired, least, most }) {
  if (!text.trim()) return isRequired ? "This must not be empty." : "";
  if (text.length < least) return `At least ${least} characters, ${least - text.length} more.`;
  return text.length > most ? `At most ${most} characters: take ${text.length - most} away.` : "";
}
