// What stands below a message's text: embeds and files.

import { clock, dayName, el } from "./dom.js";
import { blocks, inline, link } from "./markdown.js";

export function embed(data) {
  const fields = (data.fields || []).map((field) => el("div", { className: field.inline ? "inline" : "" },
    el("dt", {}, ...inline(field.name || "")), el("dd", {}, ...blocks(field.value || ""))));
  const when = data.timestamp ? new Date(data.timestamp) : null;
  const footer = [data.footer?.text, when && !Number.isNaN(when.getTime()) ? `${dayName.format(when)}, ${clock.format(when)}` : null];
  const title = data.title ? inline(data.title) : [];
  const node = el("article", { className: "embed" },
    data.author?.name ? el("p", { className: "by" }, data.author.url ? link(data.author.url, [data.author.name]) : data.author.name) : null,
    data.title ? el("b", {}, ...(data.url ? [link(data.url, title)] : title)) : null,
    data.description ? el("div", { className: "body" }, ...blocks(data.description)) : null,
    fields.length ? el("dl", {}, ...fields) : null,
    data.image?.url ? el("p", {}, link(data.image.url, ["Picture"])) : null,
    footer.some(Boolean) ? el("footer", {}, footer.filter(Boolean).join(" · ")) : null);
  if (Number.isInteger(data.color) && data.color > 0) {
    node.style.borderLeftColor = `#${(data.color & 0xffffff).toString(16).padStart(6, "0")}`;
  }
  return node;
}

export function file(data) {
  return el("a", { className: "file", href: hereAddress(data.url), download: data.name, "data-key": `file:${data.name}` },
    el("span", { className: "sheet", ariaHidden: "true" }, "↓"),
    el("span", { className: "label" }, el("b", {}, data.name), el("small", {}, `Download, ${size(data.size)}`)));
}

// The server may be reached by another of its names than the one in the address: a download must not cross over.
function hereAddress(address) {
  let url = null;
  try { url = new URL(address, location.href); } catch { return null; }
  if (url.port === location.port && url.protocol === "http:") return url.pathname + url.search;
  return ["http:", "https:"].includes(url.protocol) ? url.href : null;
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
