// Building pages out of text alone: nothing that came over the wire is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  done: ["m4.5 12.5 5 5L19.5 7"],
  wait: ["M12 6.5V12l3.5 2.5", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"],
  ask: ["M12 3 4.5 6v5.5c0 4.5 3 7.8 7.5 9.5 4.5-1.7 7.5-5 7.5-9.5V6z", "M12 8.5v4M12 15.5v.5"],
  bad: ["M12 7.5V13M12 16v.5", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"],
  ended: ["m7 7 10 10M17 7 7 17"],
  back: ["M9 7.5 4.5 12 9 16.5", "M4.5 12H15a4.5 4.5 0 0 1 0 9h-2"],
};

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(kind) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const shape of ICONS[kind]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

export function show(room, ...children) {
  room.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  room.removeAttribute("aria-busy");
}

export function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

export function notice(kind, ...children) {
  return el("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, ...children);
}

// Whoever finds nothing left because an unpaid order of theirs keeps it: the way to that order, where it is paid or cancelled.
export function reserved(orders) {
  const links = orders.map((order) => el("p", {}, el("a", { href: `/orders/${order.order_id}` }, order.status === "cancelling" ? `Order ${order.number} is being cancelled` : `Pay or cancel order ${order.number}`)));
  const named = orders.map((order) => order.number).join(" and ");
  return notice("wait", el("p", {}, el("strong", {}, `You have already reserved this in order ${named}`)), el("p", {}, "It is kept for you there: pay it, or cancel it and order here."), ...links);
}

// Waiting for an answer, in a sentence: away is not refused.
export function silence(error) {
  if (!navigator.onLine) return "You are offline. Nothing is lost; we go on by ourselves when the connection is back.";
  if (error?.status === 429) return `Too many requests came from here. The next is possible ${when(error.retryAfterMs)}.`;
  return "The shop does not answer at the moment. Nothing is lost; we keep asking.";
}

const LONG_MS = 90_000;

// When something may be tried again: in so many seconds, or at what time.
function when(ms) {
  if (!ms) return "in a moment";
  if (ms < LONG_MS) return `in ${Math.ceil(ms / 1000)} seconds`;
  return `at ${new Date(Date.now() + ms).toLocaleTimeString(document.body.dataset.locale, { hour: "2-digit", minute: "2-digit" })}`;
}

function row(label, money, kind = "") {
  return el("div", { class: kind }, el("dt", {}, label), el("dd", {}, typeof money === "string" ? money : money.display));
}

// The sum of a quote or an order: what it has, row by row, and the total.
export function sums(quote) {
  const rows = [row("Articles", quote.subtotal)];
  const { discounts, fee_lines: fees } = quote;
  for (const each of discounts) rows.push(row(each.code ? `${each.name} (${each.code})` : each.name, minus(each.amount)));
  if (!discounts.length && quote.discount.amount_minor) rows.push(row("Discount", minus(quote.discount)));
  if (quote.shipping_method) rows.push(row(`Delivery, ${quote.shipping_method.name}`, free(quote.shipping)));
  else if (quote.shipping.amount_minor) rows.push(row("Delivery", quote.shipping));
  for (const each of fees) rows.push(row(each.name, each.amount));
  if (!fees.length && quote.fees.amount_minor) rows.push(row("Fees", quote.fees));
  const isIncluded = quote.is_tax_included;
  if (quote.tax.amount_minor && !isIncluded) rows.push(row("Tax", quote.tax));
  if (quote.tax_relief.amount_minor) rows.push(row("Tax you account for", minus(quote.tax_relief)));
  rows.push(row("Total", quote.total, "total"));
  if (quote.tax.amount_minor && isIncluded) rows.push(row("of which tax", quote.tax, "within"));
  // Invoices have to say these very words. Source: Directive 2006/112/EC, art. 226 (11a).
  if (quote.tax_lines.some((tax) => tax.treatment === "reverse_charge")) rows.push(row("VAT", "reverse charge", "within"));
  return el("dl", { class: "sums" }, ...rows);
}

const minus = (money) => (money.amount_minor > 0 ? `−${money.display}` : money.display);
const free = (money) => (money.amount_minor ? money.display : "free");

export function nameOf(line) {
  const name = line.product_name ?? line.name;
  const variant = line.variant_name ?? line.variant;
  return variant ? `${name}, ${variant}` : name;
}

export function suffix() {
  return document.body.dataset.suffix;
}
