// The room of the account: for now the orders this browser placed.

import { Problem, ask } from "./api.js";
import { noteOrder, orderHeaders } from "./lead.js";
import * as store from "./store.js";
import { el, notice, show, silence } from "./view.js";

const room = document.querySelector("[data-room]");

async function load() {
  const known = store.orders().filter((order) => order.token);
  if (!known.length) {
    return show(room, el("div", { class: "empty" }, el("h2", {}, "No order was placed in this browser yet"), el("p", {}, "What you order as a guest is found here afterwards, for as long as this browser keeps it.")));
  }
  const onWait = (error) => show(room, notice("wait", el("p", {}, silence(error))));
  const rows = [];
  for (const { id } of known) {
    try {
      const { body } = await ask(`orders/${id}`, { headers: orderHeaders(id), onWait });
      noteOrder(body);
      rows.push(body);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return show(room, el("ul", { class: "rows" }, rows.map(row)));
}

function row(order) {
  const day = new Date(order.created_at).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
  return el("li", { class: "row plain" },
    el("div", { class: "row-text" }, el("strong", {}, el("a", { href: `/orders/${order.order_id}` }, `Order ${order.number}`)), el("span", { class: "small" }, `${day} · ${order.message}`)),
    el("span", { class: "price" }, order.total.display));
}

addEventListener("pageshow", load);
