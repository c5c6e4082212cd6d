// The basket: a cart on the server, its id and token here.

import { Problem, call, sendOnce } from "./api.js";
import * as store from "./store.js";

// A guest's own unpaid order comes along, so that the shop can tell them when it keeps what they look for.
export function headers(cart) {
  const own = store.orders().find((order) => order.is_open && order.token);
  return { ...(cart.token ? { "X-Cart-Token": cart.token } : {}), ...(own ? { "X-Order-Token": own.token } : {}) };
}

export function held() {
  return store.read("cart");
}

export function hold(id, token, units = 0) {
  store.write("cart", { id, token, units });
  tell();
}

// The basket is an order now; the order says when the basket is free again.
export function bind(cart, orderId) {
  store.write("cart", { ...cart, order: orderId, units: 0 });
  tell();
}

// Signed in: what this browser gathered as a guest joins what the account held.
export async function claim() {
  const cart = held();
  if (!cart || cart.order) return;
  try {
    const { body } = await call("POST", `carts/${cart.id}/claim`, { headers: headers(cart) });
    hold(body.cart_id, "");
    note(body);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

export function letGo() {
  store.forget("cart");
  tell();
}

export function tell() {
  const units = held()?.units ?? 0;
  for (const link of document.querySelectorAll("[data-basket]")) {
    const count = link.querySelector(".count");
    count.hidden = units === 0;
    count.querySelector("[data-units]").textContent = units > 99 ? "99+" : String(units);
  }
}

// Keeps what the cart's answer says about it, for the number beside the basket.
export function note(body) {
  const cart = held();
  if (!cart || cart.id !== body.cart_id || body.order_id) return;
  hold(cart.id, cart.token, body.quote.lines.reduce((sum, line) => sum + line.quantity, 0));
}

async function open() {
  const { currency, country } = document.body.dataset;
  const request = { path: "carts", body: { currency, country }, headers: { "X-Device-Id": store.device() } };
  const { body } = await sendOnce("cart", request);
  hold(body.cart_id, body.cart_token);
  return body;
}

// The open cart with its quote, a new one where there is none. One that became an order is left to its order.
export async function fetchOrOpen() {
  const cart = held();
  if (!cart) return open();
  try {
    const { body } = await call("GET", `carts/${cart.id}`, { headers: headers(cart) });
    if (!body.order_id) return body;
    store.rememberOrder(body.order_id);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error;
  }
  letGo();
  return open();
}

export async function setUnits(sku, quantity) {
  const cart = held();
  const path = `carts/${cart.id}/lines/${encodeURIComponent(sku)}`;
  const { body } = await call("PUT", path, { body: { quantity }, headers: headers(cart) });
  note(body);
  return body;
}

// Quantities are absolute on the wire, so a repeat adds nothing.
export async function add(sku, units) {
  const body = await fetchOrOpen();
  const present = body.quote.lines.find((line) => line.sku === sku)?.quantity ?? 0;
  return setUnits(sku, present + units);
}
