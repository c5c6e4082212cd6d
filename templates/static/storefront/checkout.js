// The checkout's room: who, where to, how, how much; then one order, whatever happens on the way.

import { Problem, ask, pending, sendOnce } from "./api.js";
import * as basket from "./basket.js";
import { go, leadToOrder, noteOrder } from "./lead.js";
import * as store from "./store.js";
import { el, nameOf, notice, show, silence, suffix, sums } from "./view.js";

const room = document.querySelector("[data-room]");
const form = document.getElementById("checkout");
const payButton = form.querySelector("[data-pay]");
const SHOWN_WRONG = {
  email: "Please type an e-mail address, as in name@example.com.",
  name: "Please type your name.",
  line1: "Please type street and number.",
  postcode: "Please type the postcode.",
  city: "Please type the town or city.",
};

let cart = null;
let quote = null;
let isSending = false;

const startKey = () => `start.${basket.held().id}`;
const isPhysical = () => quote.requires_shipping ?? quote.lines.some((line) => line.is_physical);

function say(...children) {
  show(form.querySelector("[data-said]"), ...children);
}

function furnish(seen) {
  cart = seen;
  quote = seen.quote;
  basket.note(seen);
  form.querySelector("[data-part=address]").hidden = !isPhysical();
  for (const input of form.querySelectorAll("[data-part=address] input, [data-part=address] select")) input.disabled = !isPhysical();
  const lines = quote.lines.map((line) =>
    el("li", { class: "row plain" }, el("span", { class: "units" }, `${line.quantity} ×`), el("span", { class: "row-text" }, nameOf(line)), el("span", { class: "price" }, line.subtotal.display)));
  show(form.querySelector("[data-sum]"), el("ul", { class: "rows" }, lines), sums(quote), el("p", { class: "small" }, el("a", { href: `/cart${suffix()}` }, "Change the basket")));
  room.hidden = true;
  form.hidden = false;
  rest();
}

// The button says what a tap on it will do, and to how much.
function rest() {
  payButton.textContent = `Pay ${quote.total.display}`;
  payButton.disabled = false;
  lock(false);
}

function lock(isLocked) {
  for (const fieldset of form.querySelectorAll("fieldset")) fieldset.disabled = isLocked;
}

function wrong(input) {
  if (input.disabled || input.checkValidity()) return "";
  return SHOWN_WRONG[input.name] ?? "Please look at this again.";
}

function mark(input) {
  const sentence = wrong(input);
  const id = `${input.id}-wrong`;
  document.getElementById(id)?.remove();
  input.toggleAttribute("aria-invalid", false);
  if (!sentence) return true;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", id);
  input.closest(".field").append(el("p", { class: "wrong", id }, sentence));
  return false;
}

function isComplete() {
  const inputs = [...form.querySelectorAll("input, select")].filter((input) => input.name && input.type !== "radio");
  const bad = inputs.filter((input) => !mark(input));
  bad[0]?.focus();
  return bad.length === 0;
}

function contact() {
  const given = new FormData(form);
  const text = (name) => (given.get(name) ?? "").trim();
  const who = { email: text("email"), name: text("name"), locale: document.body.dataset.locale };
  if (isPhysical()) {
    who.address = { country: text("country"), line1: text("line1"), line2: text("line2"), postcode: text("postcode"), city: text("city") };
  }
  return who;
}

function request() {
  const payment = { method: "stripe", return_url: `${location.origin}/checkout/return` };
  const body = { cart_id: cart.cart_id, quote_hash: quote.quote_hash, contact: contact(), payment, attribution: attribution() };
  return { path: "checkout/start", body, headers: basket.headers(basket.held()) };
}

function attribution() {
  return { referrer: document.referrer.startsWith(location.origin) || !document.referrer ? null : document.referrer.slice(0, 500) };
}

// One order: the request that was stored first is the one that is sent, again and again, until there is an answer.
async function send(what) {
  if (isSending) return;
  isSending = true;
  lock(true);
  payButton.disabled = true;
  payButton.textContent = "Placing your order …";
  try {
    const { body } = await sendOnce(startKey(), what, { onWait: whileSilent });
    arrived(body);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await refused(error);
  } finally {
    isSending = false;
  }
}

function whileSilent(error) {
  payButton.textContent = "Waiting for the shop …";
  say(notice("wait", el("p", {}, el("strong", {}, "Your order was sent, but no answer has come. ")), el("p", {}, `${silence(error)} However often it is asked, it stays one order and one charge.`)));
}

function arrived(answer) {
  const held = basket.held();
  noteOrder(answer.order, answer.order_token);
  basket.bind(held, answer.order_id);
  payButton.textContent = "Opening the payment page …";
  const action = answer.next_action;
  // The way back from the provider's page leads to the order, never to a form that could be sent again.
  history.replaceState(null, "", `/orders/${answer.order_id}`);
  if (action?.type === "redirect" && action.url) location.assign(action.url);
  else go(answer.order_id);
}

const REFUSALS = {
  quote_changed: (facts) => {
    const before = quote.total.display;
    furnish({ ...cart, quote: facts.quote });
    return ["wait", "The price has changed", `It was ${before} and is now ${facts.quote.total.display}. Nothing was ordered. Tap “Pay” again if you agree.`];
  },
  insufficient_stock: (facts) => {
    const names = (facts.skus ?? []).map((sku) => nameOf(quote.lines.find((line) => line.sku === sku) ?? { name: sku }));
    return ["wait", "Somebody was faster", `There is not enough left of ${names.join(", ")}. Nothing was ordered.`, toBasket()];
  },
  not_for_sale: () => ["wait", "No longer sold", "Something in your basket is no longer sold. Nothing was ordered.", toBasket()],
  payment_token_expired: () => ["wait", "Please choose your card again", "Too much time had passed for the bank. Nothing was charged and your basket is as it was. Tap “Pay” once more."],
};

const toBasket = () => el("p", {}, el("a", { href: `/cart${suffix()}` }, "Change the basket"));

async function refused(error) {
  if (error.code === "cart_checked_out" && error.facts.order_id) return leadToOrder(basket.held(), error.facts.order_id, load);
  if (error.code === "no_such_cart" || error.code === "cart_empty") return load();
  rest();
  for (const { field, message } of error.facts.errors ?? []) {
    const input = form.elements.namedItem(field.split(".").at(-1));
    if (!input?.closest) continue;
    input.setAttribute("aria-invalid", "true");
    input.closest(".field").append(el("p", { class: "wrong", id: `${input.id}-wrong` }, message));
    input.focus();
  }
  const [kind, head, sentence, ...more] = REFUSALS[error.code]?.(error.facts) ?? ["bad", "The order was not placed", `${error.message} Nothing was charged.`];
  say(notice(kind, el("p", {}, el("strong", {}, head)), el("p", {}, sentence), ...more));
}

async function load() {
  const held = basket.held();
  if (!held) return location.replace(`/cart${suffix()}`);
  const onWait = (error) => show(room, notice("wait", el("p", {}, silence(error))));
  try {
    const { body } = await ask(`carts/${held.id}`, { headers: basket.headers(held), onWait });
    const left = pending(startKey());
    if (body.order_id && !left) return leadToOrder(held, body.order_id, () => location.replace(`/cart${suffix()}`));
    if (!body.order_id && !body.quote.lines.length) return location.replace(`/cart${suffix()}`);
    furnish(body);
    // The window was closed before the answer came: ask for it now, with the very same request.
    if (left) send(left);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    location.replace(`/cart${suffix()}`);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (isSending || !isComplete()) return;
  say();
  send(request());
});
form.addEventListener("focusout", (event) => {
  if (event.target.getAttribute?.("aria-invalid") === "true") mark(event.target);
});
addEventListener("pageshow", () => {
  if (!isSending) load();
});
