// On every page: the number beside the basket, the word about the connection, and putting things into the basket.

import { NoAnswer } from "./api.js";
import * as basket from "./basket.js";
import * as store from "./store.js";
import { el, notice, reserved, silence, suffix } from "./view.js";

const strip = document.querySelector("[data-offline]");
const showConnection = () => {
  if (strip) strip.hidden = navigator.onLine;
};
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
addEventListener("pageshow", () => {
  showConnection();
  basket.tell();
});
addEventListener("storage", basket.tell);
showConnection();
basket.tell();

const form = document.querySelector("[data-add]");
const button = form?.querySelector("[data-script]");

function say(...children) {
  form.querySelector(".said").replaceChildren(...children);
}

async function put() {
  const chosen = new FormData(form);
  const sku = chosen.get("sku");
  const units = Number(chosen.get("quantity"));
  const { name, picture, address } = form.dataset;
  button.disabled = true;
  button.textContent = "Putting it in …";
  try {
    const cart = await basket.add(sku, units);
    store.write("seen", { ...store.read("seen"), [sku]: { picture, address } });
    const line = cart.quote.lines.find((each) => each.sku === sku);
    const short = cart.quote.warnings.find((each) => each.sku === sku && each.code === "sold_out");
    if (short && cart.your_orders.length) return say(reserved(cart.your_orders));
    say(
      short
        ? notice("wait", el("p", {}, `There are only ${short.available} left, and your basket now asks for ${short.requested}. Please take fewer before you pay.`), toBasket())
        : notice("good", el("p", {}, el("strong", {}, `${line?.quantity ?? units} × ${name}`), " in your basket."), toBasket()),
    );
  } catch (error) {
    const sentence = error instanceof NoAnswer ? `${silence(error)} Tap again when it is back.` : error.message;
    say(notice("bad", el("p", {}, sentence)));
  } finally {
    button.disabled = false;
    button.textContent = "Put into the basket";
  }
}

const toBasket = () => el("p", {}, el("a", { href: `/cart${suffix()}` }, "Go to the basket"));

if (button) {
  button.disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) put();
  });
  form.addEventListener("change", () => {
    const chosen = form.querySelector("input[type=radio]:checked");
    if (!chosen) return;
    document.querySelector("[data-from]").hidden = true;
    document.querySelector("[data-price]").textContent = chosen.dataset.price;
  });
}
