// What the page knows, and what its person has read.

export const state = {
  bot: { id: "0", name: "The bot" }, online: false, people: [], guilds: [], commands: [],
  me: null, dm: null, place: null,
  shown: new Map(), // the messages of the open channel, by id
  asides: new Map(), // those that only this member sees: kept here alone, so that a reload forgets them
  notes: new Map(), // lines of the page's own: the bot is thinking, the bot did not answer
  freshFrom: null, // the last message that had been read when the channel was opened
};

export const later = (a, b) => BigInt(a || 0) > BigInt(b || 0);
export const person = (id = state.me) => state.people.find((each) => each.id === id);
export const nameOf = (id) => (id === state.bot.id ? state.bot.name : person(id)?.name);

export function channelOf(id) {
  for (const guild of state.guilds) for (const channel of guild.channels) if (channel.id === id) return { ...channel, guild };
  return null;
}

const ADMINISTRATOR = 8n;

// Whether one may do something in a community. Bits of 0 are for administrators alone.
export function may(guild, bits) {
  const held = BigInt(state.guilds.find((each) => each.id === guild)?.permissions || 0);
  return Boolean(held & ADMINISTRATOR) || (BigInt(bits) !== 0n && (held & BigInt(bits)) === BigInt(bits));
}

export const stored = (key, fallback) => {
  try { return JSON.parse(localStorage.getItem(key)) ?? fallback; } catch { return fallback; }
};
export const store = (key, value) => {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private windows */ }
};

// --- what has been read ---

let seen = new Map();
const readKey = () => `practice-read-${state.me}`;

export const lastRead = (channel) => seen.get(channel) || "0";

export function markRead(channel, id) {
  if (!later(id, lastRead(channel))) return;
  seen.set(channel, id);
  store(readKey(), Object.fromEntries(seen));
}

export function loadRead() {
  const kept = stored(readKey(), null);
  seen = new Map(Object.entries(kept || {}));
  if (kept) return;
  // A first visit: what the community said before is no news. The bot's private messages are.
  for (const guild of state.guilds) for (const channel of guild.channels) seen.set(channel.id, channel.last);
  store(readKey(), Object.fromEntries(seen));
}

// Another tab of this browser has read something.
export function rereadFrom(event) {
  if (event.key === readKey()) seen = new Map(Object.entries(stored(readKey(), {})));
}

export function hasNews(each) {
  if (each.dm === "0") return false;
  const read = each.id === state.me ? lastRead(each.channel) : stored(`practice-read-${each.id}`, {})[each.channel];
  return later(each.dm, read || "0");
}
