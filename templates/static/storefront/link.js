// Paying on another device: a link that shows and pays one order for an hour, and what the other device does with it.

import { NoAnswer, Problem, call, connection } from "./api.js";
import * as store from "./store.js";
import { el, notice, show, silence } from "./view.js";

const MARK = "#link=";

// Trades the link in the address, if there is one, for a token of this browser. The trade may be repeated, so a lost
// answer is asked for again.
export async function tradeLink(orderId, onWait) {
  if (!location.hash.startsWith(MARK)) return;
  const linkToken = decodeURIComponent(location.hash.slice(MARK.length));
  history.replaceState(null, "", location.pathname + location.search);
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { body } = await call("POST", `orders/${orderId}/payment-link/token`, { body: { link_token: linkToken } });
      store.rememberOrder(orderId, body.order_token);
      return;
    } catch (error) {
      if (!(error instanceof NoAnswer) && !(error.status >= 500)) throw error;
      onWait(error);
      await connection(attempt);
    }
  }
}

export async function offerLink(orderId, headers) {
  const place = el("div", { class: "stack" }, el("p", { role: "status" }, "Making the link …"));
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "elsewhere" },
    el("h2", { id: "elsewhere" }, "Pay on another device"),
    place,
    el("div", { class: "actions" }, el("button", { type: "button", class: "button plain", onclick: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const { body } = await call("POST", `orders/${orderId}/payment-link`, { headers });
    const until = new Date(body.expires_at).toLocaleTimeString(document.body.dataset.locale, { hour: "2-digit", minute: "2-digit" });
    const address = el("input", { id: "link", type: "text", readonly: true, value: body.url, onfocus: () => address.select() });
    const copied = el("p", { role: "status" });
    const copy = async () => {
      address.select();
      try {
        await navigator.clipboard.writeText(body.url);
        copied.textContent = "Copied.";
      } catch {
        copied.textContent = "The link is marked; copy it as you copy a text.";
      }
    };
    show(place,
      el("p", {}, `Open this link there. Until ${until} it shows this order and pays it, and nothing else. Give it to nobody you would not show the order.`),
      el("div", { class: "field" }, el("label", { for: "link" }, "Link"), address),
      el("button", { type: "button", class: "button", onclick: copy }, "Copy the link"),
      copied);
  } catch (error) {
    if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
    show(place, notice("bad", el("p", {}, error instanceof Problem && error.status < 500 && error.status !== 429 ? error.message : `${silence(error)} No link was made.`)));
  }
}
