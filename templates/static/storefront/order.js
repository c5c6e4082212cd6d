// The room of one order. What it says, offers and waits for comes from the server alone, every time it is looked at.

import { NoAnswer, Problem, call, pause, pending, sendOnce, settle } from "./api.js";
import * as basket from "./basket.js";
import { go, isOpen, noteOrder, orderHeaders } from "./lead.js";
import * as store from "./store.js";
import { offerLink, tradeLink } from "./link.js";
import { askedBack, offerRefund } from "./refund.js";
import { el, icon, nameOf, notice, show, silence, suffix, sums } from "./view.js";

const room = document.querySelector("[data-room]");
const orderId = room.dataset.order;

// The word of the server as a heading. A word this page does not know yet is shown as work in progress.
const HEADINGS = {
  preparing_checkout: ["wait", "Getting ready to be paid"],
  processing: ["wait", "Waiting for the bank"],
  waiting_for_confirmation: ["wait", "Waiting for your bank’s confirmation"],
  action_required: ["ask", "One step left: pay"],
  payment_failed: ["bad", "Not paid yet"],
  cancelling: ["wait", "Being cancelled"],
  cancelled: ["ended", "Cancelled"],
  expired: ["ended", "The time to pay is over"],
  under_review: ["wait", "Being checked"],
  paid: ["done", "Paid"],
  preparing: ["done", "Paid and being prepared"],
  partly_shipped: ["done", "Partly on its way"],
  shipped: ["done", "On its way"],
  delivered: ["done", "Delivered"],
  refund_pending: ["back", "Your money is on its way back"],
  partly_refunded: ["back", "Partly given back"],
  refunded: ["back", "Given back"],
  completed: ["done", "Complete"],
};
const NO_CHARGE = new Set(["preparing_checkout", "action_required"]);
// Who just did something watches what becomes of it; the server's word is for who leaves the page open.
const WATCHES_MS = 10_000;
const WATCHING_PAUSE_MS = 2000;

let etag = null;
let order = null;
let requests = [];
let said = null;
let lapsed = null;
let isActing = false;
let watchesUntil = 0;
let round = 0;

const headers = () => orderHeaders(orderId);
const key = (what) => `${what}.${orderId}`;

function heading() {
  const [kind, named] = HEADINGS[order.status] ?? HEADINGS.processing;
  const words = order.status === "paid" ? `${order.paid.display} is paid` : named;
  const decline = order.payment?.decline;
  return el(
    "div", { class: `standing ${kind}`, role: "status" },
    el("span", { class: "seal" }, icon(kind)),
    el("div", {}, el("h1", {}, words), el("p", {}, order.message), decline && order.status === "payment_failed" ? el("p", { class: "small" }, `The bank says: ${decline.message}`) : null),
  );
}

function until() {
  if (!isOpen(order) || !order.expires_at) return null;
  const time = new Date(order.expires_at).toLocaleTimeString(document.body.dataset.locale, { hour: "2-digit", minute: "2-digit" });
  return el("p", { class: "small" }, `We keep your items for you until ${time}.`);
}

function offers() {
  const can = new Set(order.next_actions);
  const amount = order.due.display;
  const first = [];
  if (can.has("confirm") || can.has("pay")) first.push(button(`Pay ${amount}`, () => pay(false)));
  if (can.has("retry_payment")) first.push(button(order.status === "expired" ? `Pay ${amount} after all` : `Pay ${amount} with another card`, () => pay(true)));
  if (lapsed && first.length) first.splice(0, first.length, button(`Order at today’s price, ${lapsed.quote.total.display}`, again));
  else if (can.has("order_again")) first.push(button("Order the same again", again));
  const second = [];
  if (!lapsed && ["confirm", "pay", "retry_payment"].some((each) => can.has(each))) second.push(el("button", { type: "button", class: "quiet-button", onclick: () => offerLink(orderId, headers()) }, "Pay on another device"));
  if (can.has("request_refund")) second.push(el("button", { type: "button", class: "quiet-button", onclick: () => offerRefund(order, askBack) }, "Ask for your money back"));
  if (can.has("cancel")) second.push(el("button", { type: "button", class: "quiet-button", onclick: confirmCancel }, "Cancel this order"));
  return [first.length ? el("div", { class: "bar" }, ...first) : null, second.length ? el("p", { class: "line-of-links" }, ...second) : null];
}

function button(words, act) {
  return el("button", { type: "button", class: "button pay", onclick: act, disabled: isActing }, words);
}

function waiting() {
  if (order.poll_after_ms === null || NO_CHARGE.has(order.status)) return null;
  return el("p", { class: "small asking" }, el("span", { class: "pulse", "aria-hidden": "true" }), "This page asks again by itself. You can also close it: nothing depends on it.");
}

function furnish() {
  const lines = order.lines.map((line) =>
    el("li", { class: "row plain" }, el("span", { class: "units" }, `${line.quantity} ×`), el("span", { class: "row-text" }, nameOf(line)), el("span", { class: "price" }, line.subtotal.display)));
  const returned = order.returned.amount_minor ? el("p", { class: "small" }, `Given back so far: ${order.returned.display}.`) : null;
  show(
    room,
    heading(),
    said,
    el("div", { class: "stack" }, ...[until(), waiting()].filter(Boolean)),
    ...offers(),
    el("section", { class: "group summary", "aria-labelledby": "ordered" },
      el("h2", { id: "ordered" }, "Order ", el("span", { class: "number" }, order.number)),
      el("ul", { class: "rows" }, lines),
      sums(order),
      returned),
    askedBack(requests),
    order.paid_at ? el("p", { class: "small" }, store.read("session") ? "This page goes on telling how your order stands. You find it in your account." : "This page goes on telling how your order stands. In this browser you find it under “Account”; elsewhere name the order’s number.") : null,
    isOpen(order) ? null : el("p", {}, el("a", { class: "button plain", href: `/${suffix()}` }, "On to the shop")),
  );
  document.title = `${HEADINGS[order.status]?.[1] ?? "Your order"} · ${order.number}`;
}

function say(kind, sentence) {
  said = notice(kind, el("p", {}, sentence));
  if (order) furnish();
  else show(room, said);
}

// After each word of the server: what it settles in this browser.
function learn(seen) {
  order = seen;
  noteOrder(seen);
  if (seen.status !== "processing") {
    settle(key("pay"));
    const cart = basket.held();
    if (cart && pending(`start.${cart.id}`)) settle(`start.${cart.id}`);
  }
  if (!isOpen(seen) && basket.held()?.order === orderId) basket.letGo();
}

async function look() {
  const asked = headers();
  if (etag && order) asked["If-None-Match"] = etag;
  const answer = await call("GET", `orders/${orderId}`, { headers: asked });
  if (answer.status !== 304) {
    etag = answer.etag;
    learn(answer.body);
    if (order.paid_at) requests = await askedSoFar();
    said = null;
    furnish();
  }
}

// What was asked back stands beside the order; where it cannot be read, the order is shown all the same.
async function askedSoFar() {
  try {
    return (await call("GET", `orders/${orderId}/refund-requests`, { headers: headers() })).body?.refund_requests ?? [];
  } catch (error) {
    if (error instanceof Problem || error instanceof NoAnswer) return requests;
    throw error;
  }
}

// Asks as often as the server says, for a moment after an act more often, and again whenever somebody looks; a second
// loop ends the first.
async function follow() {
  round += 1;
  const mine = round;
  for (let attempt = 0; mine === round; ) {
    try {
      await look();
      attempt = 0;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return stranger();
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
      attempt += 1;
      say("wait", silence(error));
    }
    if (attempt === 0 && order.poll_after_ms === null) return;
    await pause(attempt ? Math.min(1000 * 2 ** attempt, 10_000) : untilNext());
  }
}

function untilNext() {
  return performance.now() < watchesUntil ? Math.min(order.poll_after_ms, WATCHING_PAUSE_MS) : order.poll_after_ms;
}

function stranger() {
  show(room, el("div", { class: "empty" }, el("h1", {}, "This browser may not look into this order"), el("p", {}, "An order opens in the browser that placed it, or after you sign in to the account it belongs to. The order itself is not affected."), el("p", {}, el("a", { class: "button", href: "/account" }, "To your account"))));
}

async function act(what) {
  if (isActing) return;
  isActing = true;
  round += 1;
  if (order) furnish();
  try {
    await what();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    isActing = false;
    if (error.code === "reservation_lapsed") lapsed = error.facts;
    say(...(REFUSALS[error.code]?.(error.facts) ?? ["bad", error.message]));
    // What was said stays until it can be read; a lapsed order is only asked about again when somebody acts.
    if (lapsed) return;
    await pause(Math.max(order?.poll_after_ms ?? 0, 5000));
  }
  isActing = false;
  watchesUntil = performance.now() + WATCHES_MS;
  if (order) furnish();
  follow();
}

const LAPSED = {
  price_changed: "Meanwhile the price has changed.",
  not_for_sale: "Meanwhile something in it is no longer sold.",
  coupon: "The code went back with the order and is used anew with a new one.",
  insufficient_stock: "Meanwhile somebody else bought some of it.",
};
const REFUSALS = {
  payment_being_verified: () => ["wait", "The earlier payment is still being checked with the bank. You can pay again as soon as that is known."],
  reservation_lapsed: ({ reason, quote }) => ["wait", `The time to pay was over and the items went back to the shop. ${LAPSED[reason] ?? ""} Today it is ${quote.total.display} instead of ${order.total.display}. Nothing was charged.`],
  payment_token_expired: () => ["wait", "Too much time had passed for the bank. Nothing was charged. Please pay once more."],
};

const onWait = (error) => say("wait", silence(error));

// Goes to where the customer can pay: the page that waits for them, or that of a new attempt.
function pay(isOther) {
  const open = order.payment?.next_action;
  if (open?.type === "redirect") return location.assign(open.url);
  return act(async () => {
    say("wait", "Opening the payment page …");
    const payment = { method: order.payment?.method ?? "stripe", return_url: `${location.origin}/checkout/return` };
    const request = { path: `orders/${orderId}/payment-attempts`, body: { payment, replace: isOther }, headers: headers() };
    const { body } = await sendOnce(key("pay"), request, { onWait });
    leave(body);
  });
}

function leave(answer) {
  const action = answer.next_action;
  said = null;
  etag = null;
  learn(answer.order);
  if (action?.type === "redirect" && action.url) location.assign(action.url);
}

function confirmCancel() {
  const dialog = el(
    "dialog", { class: "ask", "aria-labelledby": "sure" },
    el("h2", { id: "sure" }, "Cancel this order?"),
    el("p", {}, order.paid_at ? `Nothing is sent, and ${order.paid.display} goes back to you by itself.` : "Nothing will be charged. If money is already on its way, it comes back to you by itself."),
    el("div", { class: "actions" },
      el("button", { type: "button", class: "button grave", onclick: () => { dialog.close(); cancel(); } }, "Cancel the order"),
      el("button", { type: "button", class: "button plain", onclick: () => dialog.close() }, "Keep it")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function cancel() {
  return act(async () => {
    const request = { path: `orders/${orderId}/cancel`, body: { reason: "Cancelled by the customer in the shop" }, headers: headers() };
    const { body } = await sendOnce(key("cancel"), request, { onWait });
    settle(key("cancel"));
    etag = null;
    learn(body);
  });
}

function askBack(body) {
  return act(async () => {
    await sendOnce(key("refund"), { path: `orders/${orderId}/refund-requests`, body, headers: headers() }, { onWait });
    etag = null;
  });
}

// The articles of this order in a new basket, at today's prices.
function again() {
  return act(async () => {
    if (basket.held()?.order === orderId) basket.letGo();
    for (const line of order.lines) await basket.add(line.sku, line.quantity);
    location.assign(`/cart${suffix()}`);
  });
}

// A link from another device trades itself first; what it carried leaves the address at once.
async function enter() {
  const trade = tradeLink(orderId, (error) => show(room, notice("wait", el("p", {}, silence(error)))));
  try {
    await trade;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (!store.orderToken(orderId) && !store.read("session")) return show(room, notice("bad", el("p", {}, error.message)));
  }
  return follow();
}

addEventListener("pageshow", (event) => {
  if (event.persisted) etag = null;
  enter();
});
addEventListener("hashchange", enter);
addEventListener("online", follow);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isActing) follow();
});
