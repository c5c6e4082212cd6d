// Codes of a basket: what each takes off or why it does not, and a field for another.

import { NoAnswer, Problem, call } from "./api.js";
import * as basket from "./basket.js";
import * as store from "./store.js";
import { el, notice, silence } from "./view.js";

const CODE_MAX = 64;
let said = null;
let typed = "";
let isOpen = false;
let isSending = false;

function entered(quote) {
  const applied = quote.discounts.filter((each) => each.code).map((each) => ({ code: each.code, words: each.name }));
  const idle = quote.warnings.filter((each) => each.code === "coupon_not_applicable").map((each) => ({ code: each.coupon_code, words: each.message || "It takes nothing off this basket.", isIdle: true }));
  return [...applied, ...idle];
}

// The codes of the quote and the field for one more; `learn` is given the basket as it is afterwards.
export function coupons(quote, learn) {
  const again = () => place.replaceWith(coupons(quote, learn));
  const send = async (method, code) => {
    if (isSending || !code) return;
    isSending = true;
    typed = method === "PUT" ? code : "";
    try {
      const cart = basket.held();
      const { body } = await call(method, `carts/${cart.id}/coupons/${encodeURIComponent(code)}`, { headers: { ...basket.headers(cart), "X-Device-Id": store.device() } });
      const idle = entered(body.quote).find((each) => each.isIdle && sameCode(each.code, code));
      said = method === "PUT" && idle ? notice("wait", el("p", {}, `${idle.code} is kept, but it takes nothing off now. ${idle.words}`)) : null;
      [typed, isOpen, isSending] = ["", false, false];
      learn(body);
    } catch (error) {
      isSending = false;
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
      const away = error instanceof NoAnswer || error.status === 429 || error.status >= 500;
      said = notice("bad", el("p", {}, away ? `${silence(error)} The code was not entered yet.` : error.message));
      isOpen = true;
      again();
    }
  };
  const input = el("input", { id: "coupon", type: "text", maxlength: CODE_MAX, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", value: typed });
  const use = () => send("PUT", input.value.trim());
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    use();
  });
  const field = el("details", { class: "coupon", open: isOpen },
    el("summary", {}, entered(quote).length ? "I have another code" : "I have a code"),
    el("div", { class: "field" }, el("label", { for: "coupon" }, "Code"), el("div", { class: "coupon-row" }, input, el("button", { type: "button", class: "button plain", onclick: use }, "Use"))));
  field.addEventListener("toggle", () => {
    isOpen = field.open;
  });
  const rows = entered(quote).map((each) =>
    el("li", { class: "row plain" },
      el("span", { class: "row-text" }, el("span", { class: "number" }, each.code), each.isIdle ? el("span", { class: "small warned" }, each.words) : null),
      el("button", { type: "button", class: "quiet-button", "aria-label": `Take out the code ${each.code}`, onclick: () => send("DELETE", each.code) }, "Take out")));
  const place = el("div", { class: "coupons" }, rows.length ? el("ul", { class: "rows" }, rows) : null, field, el("div", { role: "status" }, said));
  return place;
}

const plain = (code) => code.replace(/[^\p{L}\p{N}]/gu, "").toUpperCase();
const sameCode = (one, other) => plain(one) === plain(other);
