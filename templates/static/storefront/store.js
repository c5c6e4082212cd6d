// What this browser keeps: tokens of the basket and of orders, and the keys of requests without a final answer.

const memory = new Map();

function box() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export function read(name) {
  let text;
  try {
    text = box()?.getItem(`shop.${name}`);
  } catch {
    text = null;
  }
  text ??= memory.get(name) ?? null;
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

export function write(name, value) {
  const text = JSON.stringify(value);
  memory.set(name, text);
  try {
    box()?.setItem(`shop.${name}`, text);
  } catch {
    // A full or forbidden store: what matters lives on the server, and this window remembers it until it closes.
  }
  return value;
}

export function forget(name) {
  memory.delete(name);
  try {
    box()?.removeItem(`shop.${name}`);
  } catch {
    // Nothing was kept there.
  }
}

export function random() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function device() {
  return read("device") ?? write("device", random());
}

// Orders this browser may look at, newest first.
const ORDERS_MAX = 20;

export function orders() {
  return read("orders") ?? [];
}

export function orderToken(id) {
  return orders().find((order) => order.id === id)?.token ?? null;
}

export function rememberOrder(id, token, facts = {}) {
  const known = orders().find((order) => order.id === id) ?? {};
  const order = { ...known, ...facts, id, token: token ?? known.token };
  write("orders", [order, ...orders().filter((other) => other.id !== id)].slice(0, ORDERS_MAX));
}
