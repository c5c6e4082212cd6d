// The checkout's room: who, where to, how, how much; then one order, whatever happens on the way.

import { NoAnswer, Problem, ask, pending, sendOnce } from "./api.js";
import * as basket from "./basket.js";
import { coupons } from "./coupons.js";
import { isAddressed, prefill, showMethods, suit, tellCart, typedAddress } from "./delivery.js";
import { go, leadToOrder, noteOrder } from "./lead.js";
import * as store from "./store.js";
import { el, nameOf, notice, reserved, show, silence, suffix, sums } from "./view.js";

const room = document.querySelector("[data-room]");
const form = document.getElementById("checkout");
const payButton = form.querySelector("[data-pay]");
const SHOWN_WRONG = {
  email: "Please type an e-mail address, as in name@example.com.",
  name: "Please type your name.",
  line1: "Please type street and number.",
  postcode: "Please type the postcode.",
  city: "Please type the town or city.",
  region: "Please type the state, county or region.",
};

let cart = null;
let quote = null;
let isSending = false;

const startKey = () => `start.${basket.held().id}`;
const hasStreet = () => isAddressed(form, quote);

function say(...children) {
  show(form.querySelector("[data-said]"), ...children);
}

function furnish(seen) {
  cart = seen;
  quote = seen.quote;
  basket.note(seen);
  // What comes by e-mail needs a country for its tax, and no street unless a business is billed.
  suit(form, hasStreet());
  const lines = quote.lines.map((line) =>
    el("li", { class: "row plain" }, el("span", { class: "units" }, `${line.quantity} ×`), el("span", { class: "row-text" }, nameOf(line)), el("span", { class: "price" }, line.subtotal.display)));
  show(form.querySelector("[data-sum]"), el("ul", { class: "rows" }, lines), sums(quote), coupons(quote, learn), el("p", { class: "small" }, el("a", { href: `/cart${suffix()}` }, "Change the basket")));
  room.hidden = true;
  form.hidden = false;
  rest();
}

// The button says what a tap on it will do, and to how much; while an order is on its way it goes on saying that.
function rest() {
  if (isSending) return;
  const isUnsent = quote.warnings.some((each) => each.code === "no_shipping_method");
  payButton.textContent = quote.total.amount_minor ? `Pay ${quote.total.display}` : "Order for nothing";
  payButton.disabled = isUnsent;
  if (isUnsent) say(notice("wait", el("p", {}, el("strong", {}, "We do not send this there")), el("p", {}, "Please choose another country, or take out what has to be posted."), toBasket()));
  lock(false);
}

// A basket that was changed from here: its new sum, and the ways to send it.
function learn(seen) {
  furnish(seen);
  return showMethods(form.querySelector("[data-methods]"), seen, learn);
}

// What was typed is told to the cart one after the other; true when the sum is still the one on the button. An order on
// its way carries the address itself, and its locked fields say nothing.
let telling = Promise.resolve(true);

function tellWhere() {
  telling = telling.then(async () => {
    if (isSending) return true;
    const before = quote.total.amount_minor;
    try {
      const seen = await tellCart(form, cart, hasStreet());
      if (seen) {
        say();
        await learn(seen);
      }
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
      // Without an answer the order itself will carry the address; a refusal is shown beside its field.
      if (error instanceof Problem && error.status < 500) {
        if (!showErrors(error)) say(notice("bad", el("p", {}, error.message)));
        return false;
      }
    }
    return quote.total.amount_minor === before;
  });
  return telling;
}

function lock(isLocked) {
  for (const fieldset of form.querySelectorAll("fieldset")) fieldset.disabled = isLocked;
}

function wrong(input) {
  if (input.disabled || input.checkValidity()) return "";
  return SHOWN_WRONG[input.name] ?? "Please look at this again.";
}

// Says beside the field what is wrong with it, or takes that back.
function tell(input, sentence) {
  const [wrongId, hintId] = [`${input.id}-wrong`, `${input.id}-hint`];
  const hint = document.getElementById(hintId) ? hintId : "";
  document.getElementById(wrongId)?.remove();
  input.removeAttribute("aria-invalid");
  if (sentence) {
    input.setAttribute("aria-invalid", "true");
    input.closest(".field").append(el("p", { class: "wrong", id: wrongId }, sentence));
  }
  const described = [sentence && wrongId, hint].filter(Boolean).join(" ");
  if (described) input.setAttribute("aria-describedby", described);
  else input.removeAttribute("aria-describedby");
}

function mark(input) {
  const sentence = wrong(input);
  tell(input, sentence);
  return !sentence;
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
  return { ...who, address: typedAddress(form) };
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
    isSending = false;
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
    const names = facts.lines.map(({ sku, available }) => `${nameOf(quote.lines.find((line) => line.sku === sku) ?? { name: sku })} (${available > 0 ? `${available} left` : "sold out"})`);
    return ["wait", "Somebody was faster", `There is not enough left of ${names.join(", ")}. Nothing was ordered.`, toBasket()];
  },
  not_for_sale: () => ["wait", "No longer sold", "Something in your basket is no longer sold. Nothing was ordered.", toBasket()],
  coupon_limit_reached: (facts, error) => withoutCode(facts, error),
  coupon_first_order_only: (facts, error) => withoutCode(facts, error),
  coupon_not_applicable: (facts, error) => withoutCode(facts, error),
  payment_token_expired: () => ["wait", "Please choose your card again", "Too much time had passed for the bank. Nothing was charged and your basket is as it was. Tap “Pay” once more."],
};

const toBasket = () => el("p", {}, el("a", { href: `/cart${suffix()}` }, "Change the basket"));

// What the server refused, beside its field; false where it named none of ours.
function showErrors(error) {
  const named = (error.facts.errors ?? []).map(({ field, message }) => [form.elements.namedItem(field.split(".").at(-1)), message]);
  const ours = named.filter(([input]) => input?.closest && !input.disabled);
  for (const [input, message] of ours) tell(input, message);
  ours[0]?.[0].focus();
  return ours.length > 0;
}

// A code that was promised and cannot be kept: said, taken out by hand or left, and the sum is what it is without.
function withoutCode(facts, error) {
  if (facts.quote) furnish({ ...cart, quote: facts.quote });
  return ["wait", "A code does not count any more", `${facts.detail ?? error.message} Nothing was ordered. The total is now ${quote.total.display}.`];
}

async function refused(error) {
  if (error.code === "cart_checked_out" && error.facts.order_id) return leadToOrder(basket.held(), error.facts.order_id, load);
  if (error.code === "no_such_cart" || error.code === "cart_empty") return load();
  rest();
  if (error.facts.your_orders) return say(reserved(error.facts.your_orders));
  showErrors(error);
  const [kind, head, sentence, ...more] = REFUSALS[error.code]?.(error.facts, error) ?? ["bad", "The order was not placed", `${error.message} Nothing was charged.`];
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
    await prefill(form, body);
    await showAll(body);
    // The window was closed before the answer came: ask for it now, with the very same request.
    if (left) send(left);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    location.replace(`/cart${suffix()}`);
  }
}

// The ways to send it may be missing while there is no answer; the cheapest counts then, as the sum says.
async function showAll(seen) {
  furnish(seen);
  form.querySelector("[data-guest]").hidden = Boolean(store.read("session"));
  try {
    await learn(seen);
  } catch (error) {
    if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
  }
  tellWhere();
}

let isAsked = false;

// Nobody pays a sum they did not see: where the address changed it, the button shows the new one and is tapped again.
async function submit() {
  if (isSending || isAsked || !isComplete()) return;
  say();
  isAsked = true;
  const before = quote.total.display;
  const isAsSeen = await tellWhere();
  isAsked = false;
  if (isAsSeen) return send(request());
  if (before !== quote.total.display) say(notice("wait", el("p", {}, el("strong", {}, "The total has changed")), el("p", {}, `It was ${before} and is now ${quote.total.display}. Nothing was ordered. Tap “Pay” again if you agree.`)));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
form.addEventListener("change", ({ target }) => {
  form.dataset.touched = "true";
  if (!target.closest("[data-part=address]") && target.name !== "name") return;
  if (["country", "tax_id"].includes(target.name)) suit(form, hasStreet());
  tellWhere();
});
// What is right again is said at once; what is wrong only after leaving the field.
form.addEventListener("focusout", ({ target }) => {
  if (target.getAttribute?.("aria-invalid") === "true") mark(target);
});
form.addEventListener("input", ({ target }) => {
  if (target.getAttribute("aria-invalid") === "true" && !wrong(target)) tell(target, "");
});
addEventListener("pageshow", () => {
  if (!isSending) load();
});
