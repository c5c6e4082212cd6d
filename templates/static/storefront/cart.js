// The basket's room.

import { Problem, ask, pending } from "./api.js";
import * as basket from "./basket.js";
import { coupons } from "./coupons.js";
import { leadToOrder } from "./lead.js";
import * as store from "./store.js";
import { el, fromTemplate, nameOf, notice, reserved, show, silence, suffix, sums } from "./view.js";

const room = document.querySelector("[data-room]");
const UNITS_MAX = 99;

function warningsOf(quote, sku, isOwn) {
  const words = {
    sold_out: (each) => (isOwn ? "Kept for you in another order." : each.available > 0 ? `Only ${each.available} left. Please take fewer.` : "Sold out. Please take it out."),
    low_stock: (each) => `Only ${each.available} left.`,
    price_changed: (each) => `The price has changed since you put it in: it was ${each.before.display}.`,
    not_for_sale: () => "No longer sold. Please take it out.",
  };
  return quote.warnings.filter((each) => each.sku === sku && words[each.code]).map((each) => words[each.code](each));
}

function stepper(line) {
  const name = nameOf(line);
  const set = (quantity) => change(line.sku, quantity);
  return el(
    "div", { class: "stepper", role: "group", "aria-label": `How many: ${name}` },
    el("button", { type: "button", "aria-label": `One less: ${name}`, onclick: () => set(line.quantity - 1) }, "−"),
    el("output", {}, String(line.quantity)),
    el("button", { type: "button", "aria-label": `One more: ${name}`, disabled: line.quantity >= UNITS_MAX, onclick: () => set(line.quantity + 1) }, "+"),
  );
}

function row(line, quote, isOwn) {
  const seen = store.read("seen")?.[line.sku] ?? {};
  const words = warningsOf(quote, line.sku, isOwn);
  const name = nameOf(line);
  return el(
    "li", { class: "row" },
    seen.picture ? el("img", { src: seen.picture, width: 72, height: 72, alt: "" }) : el("span", { class: "no-picture", "aria-hidden": "true" }),
    el(
      "div", { class: "row-text" },
      el("strong", {}, seen.address ? el("a", { href: seen.address + suffix() }, name) : name),
      el("span", { class: "small" }, `${line.unit_price.display} each`),
      words.map((sentence) => el("span", { class: "small warned" }, sentence)),
    ),
    el("span", { class: "price" }, line.subtotal.display),
    el("div", { class: "row-acts" }, stepper(line), el("button", { type: "button", class: "quiet-button", "aria-label": `Take out: ${name}`, onclick: () => change(line.sku, 0) }, "Take out")),
  );
}

function unsold(quote) {
  return quote.warnings
    .filter((each) => each.code === "not_for_sale")
    .map((each) => notice("wait", el("p", {}, `${each.sku} is no longer sold.`), el("button", { type: "button", class: "quiet-button", onclick: () => change(each.sku, 0) }, "Take it out")));
}

function furnish(cart) {
  const { quote, your_orders: own } = cart;
  basket.note(cart);
  if (!quote.lines.length && !quote.warnings.length) return show(room, fromTemplate("nothing"), openOrder());
  const stops = quote.warnings.filter((each) => ["sold_out", "not_for_sale"].includes(each.code));
  const way = stops.length
    ? stop(own)
    : el("div", { class: "bar" }, el("a", { class: "button", href: `/checkout${suffix()}` }, `Check out · ${quote.total.display}`));
  show(
    room,
    own.length ? null : openOrder(),
    el("div", { class: "two" },
      el("div", {}, el("ul", { class: "rows" }, quote.lines.map((line) => row(line, quote, own.length > 0))), unsold(quote)),
      el("div", { class: "group summary" }, el("h2", {}, "What it costs"), sums(quote), coupons(quote, furnish), el("p", { class: "small" }, "Nothing is taken before you say so on the next pages."), el("div", { "data-said": true, role: "status" }), way)),
  );
}

function stop(own) {
  return own.length ? reserved(own) : notice("wait", el("p", {}, "Please change what is marked above; then you can go on."));
}

// An order begun in this browser and not paid yet is never lost behind a new basket.
function openOrder() {
  const open = store.orders().find((order) => order.is_open);
  if (!open) return null;
  return notice("wait", el("p", {}, `Your order ${open.number} is not paid yet. `, el("a", { href: `/orders/${open.id}` }, "See how it stands")));
}

let isChanging = false;

async function change(sku, quantity) {
  if (isChanging) return;
  isChanging = true;
  room.setAttribute("aria-busy", "true");
  try {
    furnish(await basket.setUnits(sku, quantity));
  } catch (error) {
    room.removeAttribute("aria-busy");
    if (error instanceof Problem && ["cart_checked_out", "no_such_cart"].includes(error.code)) return load();
    const said = room.querySelector("[data-said]");
    const sentence = error instanceof Problem ? error.message : `${silence(error)} This change was not made yet; please try again.`;
    if (said) show(said, notice("bad", el("p", {}, sentence)));
  } finally {
    isChanging = false;
  }
}

async function load() {
  const cart = basket.held();
  if (!cart) return show(room, fromTemplate("nothing"), openOrder());
  if (pending(`start.${cart.id}`)) return location.replace(`/checkout${suffix()}`);
  try {
    const { body } = await ask(`carts/${cart.id}`, { headers: basket.headers(cart), onWait: (error) => show(room, notice("wait", el("p", {}, silence(error)))) });
    if (body.order_id) return leadToOrder(cart, body.order_id, () => show(room, fromTemplate("nothing"), openOrder()));
    furnish(body);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) return show(room, notice("wait", el("p", {}, `${error.message} `, el("a", { href: "/account" }, "Sign in"))));
    basket.letGo();
    show(room, fromTemplate("nothing"), openOrder());
  }
}

addEventListener("pageshow", load);
