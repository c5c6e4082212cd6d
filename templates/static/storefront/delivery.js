// Where the basket goes and how it travels: what is typed is told to the cart as soon as it is whole, and prices follow.

import { NoAnswer, Problem, call } from "./api.js";
import * as basket from "./basket.js";
import * as store from "./store.js";
import { el, show } from "./view.js";

const PARTS = ["line1", "line2", "postcode", "city", "region"];
const OPTIONAL = ["tax_id"];
let told = "";

export function typedAddress(form) {
  const given = new FormData(form);
  const text = (name) => (given.get(name) ?? "").trim();
  const parts = Object.fromEntries([...PARTS, ...OPTIONAL].map((name) => [name, text(name)]).filter(([, value]) => value));
  return { country: text("country"), name: text("name"), ...parts };
}

// Whether a street is asked for: where a parcel goes there, or the bill of a business.
export function isAddressed(form, quote) {
  return quote.lines.some((line) => line.is_physical) || Boolean(form.elements.tax_id.value.trim());
}

// The fields that the chosen country writes on a parcel; the others are optional, and a region is hidden then.
export function suit(form, hasStreet) {
  const needs = new Set(form.elements.country.selectedOptions[0]?.dataset.needs?.split(" "));
  form.querySelector("[data-part=street]").hidden = !hasStreet;
  for (const name of PARTS) {
    const input = form.elements[name];
    const isLeftOut = !hasStreet || (name === "region" && !needs.has(name));
    input.disabled = isLeftOut;
    input.required = !isLeftOut && needs.has(name);
    if (name === "region") input.closest(".field").hidden = isLeftOut;
  }
}

// What the account or an earlier visit knows goes into fields nobody has typed in.
export async function prefill(form, cart) {
  let address = cart.addresses?.shipping;
  if (store.read("session")) {
    try {
      const { body: me } = await call("GET", "me");
      put(form, "email", me.email);
      put(form, "name", me.name);
      if (!address) address = (await call("GET", "me/addresses")).body.addresses[0];
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
    }
  }
  if (!form.dataset.touched) choose(form, address?.country ?? cart.country);
  for (const name of ["name", ...PARTS, ...OPTIONAL]) put(form, name, address?.[name]);
}

function put(form, name, value) {
  const input = form.elements[name];
  if (input && value && !input.value) input.value = value;
}

function choose(form, country) {
  const select = form.elements.country;
  if ([...select.options].some((option) => option.value === country)) select.value = country;
}

// The basket as it is after it learned where it goes, or null where there was nothing new to say. Half an address is
// only a country.
export async function tellCart(form, cart, hasStreet) {
  const address = typedAddress(form);
  const isWhole = hasStreet && [...PARTS, "name"].every((name) => form.elements[name].disabled || form.elements[name].checkValidity());
  const saying = JSON.stringify([cart.cart_id, isWhole ? address : address.country]);
  if (saying === told || (!isWhole && address.country === cart.country)) return null;
  const headers = basket.headers(basket.held());
  const { body } = isWhole
    ? await call("PUT", `carts/${cart.cart_id}/addresses`, { body: { shipping: address }, headers })
    : await call("PATCH", `carts/${cart.cart_id}`, { body: { country: address.country }, headers });
  told = saying;
  return body;
}

// The ways to send the basket, to be chosen where there is a choice.
export async function showMethods(place, cart, learn) {
  const fieldset = place.closest("fieldset");
  const path = `carts/${cart.cart_id}/shipping-method`;
  const headers = basket.headers(basket.held());
  const { body } = cart.quote.requires_shipping ? await call("GET", path, { headers }) : { body: { methods: [] } };
  fieldset.hidden = body.methods.length === 0;
  const take = async (code) => learn((await call("PUT", path, { body: { code }, headers })).body);
  show(place, body.methods.map((method) => {
    const radio = el("input", { type: "radio", name: "method", value: method.code, checked: method.is_selected, onchange: () => take(method.code).catch(() => showMethods(place, cart, learn)) });
    return el("label", { class: "choice" }, radio,
      el("span", {}, el("strong", {}, method.name), el("span", { class: "price" }, method.price.amount_minor ? method.price.display : "free"), el("span", { class: "small" }, days(method), method.description ? ` · ${method.description}` : "")));
  }));
}

function days({ days_min: least, days_max: most }) {
  if (!most) return "today";
  if (least === most) return most === 1 ? "1 working day" : `${most} working days`;
  return `${least} to ${most} working days`;
}
