// Where the provider sends the browser back to. It may be another browser than the one that ordered: so the signed
// state in the address is all that is needed, and nothing personal is shown.

import { NoAnswer, Problem, call, pause } from "./api.js";
import { go } from "./lead.js";
import * as store from "./store.js";
import { el, icon, notice, show, silence } from "./view.js";

const room = document.querySelector("[data-room]");
const state = new URLSearchParams(location.search).get("state");
// What the provider hung onto the address is nobody's business in a history.
history.replaceState(null, "", `/checkout/return${state ? `?state=${encodeURIComponent(state)}` : ""}`);

// By its own token, or by the session of the account it belongs to.
const isReadable = (order) => Boolean(order.token || store.read("session"));

function ours(number) {
  return store.orders().find((order) => order.number === number && isReadable(order));
}

function furnish(answer) {
  const kind = answer.is_paid ? "done" : answer.poll_after_ms === null ? "ask" : "wait";
  const words = answer.is_paid ? "Payment received" : answer.poll_after_ms === null ? "Not paid yet" : "Waiting for your bank";
  show(
    room,
    el("div", { class: `standing ${kind}`, role: "status" }, el("span", { class: "seal" }, icon(kind)), el("div", {}, el("h1", {}, words), el("p", {}, answer.message), el("p", {}, "Order ", el("span", { class: "number" }, answer.number)))),
    answer.is_paid ? null : el("p", { class: "small" }, "To go on, open the order in the browser you ordered with. Nothing there needs to be typed again."),
    el("p", {}, el("a", { class: "button plain", href: "/" }, "To the shop")),
  );
}

function unknown() {
  const last = store.orders()[0];
  if (last && isReadable(last)) return go(last.id);
  return show(room, el("div", { class: "empty" }, el("h1", {}, "We cannot tell which order this is"), el("p", {}, "The address is incomplete or too old. Your payment is not affected: the shop hears of it from the bank by itself. Open your order in the browser you ordered with to see how it stands."), el("p", {}, el("a", { class: "button plain", href: "/" }, "To the shop"))));
}

async function follow() {
  if (!state) return unknown();
  for (let attempt = 0; ; ) {
    let wait;
    try {
      const { body } = await call("POST", "checkout/return", { body: { state } });
      const known = ours(body.number);
      if (known) return go(known.id);
      furnish(body);
      if (body.poll_after_ms === null) return null;
      attempt = 0;
      wait = body.poll_after_ms;
    } catch (error) {
      if (error instanceof Problem && error.status < 500 && error.status !== 429) return unknown();
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
      attempt += 1;
      wait = error.retryAfterMs ?? Math.min(1000 * 2 ** attempt, 10_000);
      if (attempt > 1) show(room, notice("wait", el("p", {}, silence(error))));
    }
    await pause(wait);
  }
}

follow();
