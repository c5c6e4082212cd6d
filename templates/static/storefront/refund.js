// Asking for money back. What is granted, refused or left to a person is the server's to say; this only asks and shows.

import { el } from "./view.js";

const REASONS = {
  damaged: "It is damaged or does not work",
  wrong_item: "It is not what I ordered",
  not_received: "It did not arrive",
  late: "It came too late",
  customer_request: "I changed my mind",
  other: "Something else",
};
// More lines than this are asked back whole, or by writing to the shop.
const LINES_SHOWN = 20;

// Opens the form; `ask` gets the body of the request.
export function offerRefund(order, ask) {
  const lines = order.lines.length <= LINES_SHOWN ? order.lines : [];
  const counts = lines.map((line) => units(line));
  const reason = el("select", { id: "refund-reason", name: "reason" }, ...Object.entries(REASONS).map(([code, words]) => el("option", { value: code }, words)));
  const note = el("input", { id: "refund-note", name: "note", maxlength: 500, autocomplete: "off" });
  const dialog = el(
    "dialog", { class: "ask", "aria-labelledby": "refund" },
    el("h2", { id: "refund" }, "Ask for your money back"),
    el("p", {}, "Small sums go back at once. Otherwise somebody looks at it and writes to you."),
    el("form", { class: "stack", onsubmit: send },
      lines.length ? el("fieldset", {}, el("legend", {}, "What should come back"), ...lines.map((line, index) => field(line.name, counts[index]))) : null,
      field("What is wrong", reason),
      field("In your words, if you like", note),
      el("div", { class: "actions" },
        el("button", { type: "submit", class: "button" }, "Ask for it"),
        el("button", { type: "button", class: "button plain", onclick: () => dialog.close() }, "Not now"))),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  function send(event) {
    event.preventDefault();
    const chosen = lines.map((line, index) => ({ sku: line.sku, quantity: Number(counts[index].value) }));
    const isWhole = chosen.every(({ quantity }, index) => quantity === lines[index].quantity);
    const wanted = chosen.filter(({ quantity }) => quantity);
    if (!isWhole && !wanted.length) return counts[0].focus();
    dialog.close();
    ask({ reason: reason.value, ...(note.value.trim() ? { note: note.value.trim() } : {}), ...(isWhole ? {} : { lines: wanted }) });
  }
}

function units(line) {
  const id = `back-${line.sku}`;
  return el("input", { id, name: id, type: "number", inputmode: "numeric", min: 0, max: line.quantity, value: line.quantity, required: true });
}

function field(words, control) {
  return el("div", { class: "field" }, el("label", { for: control.id }, words), control);
}

// What became of earlier requests, newest first; nothing where there are none.
export function askedBack(requests) {
  if (!requests.length) return null;
  return el("section", { class: "group summary", "aria-labelledby": "asked-back" },
    el("h2", { id: "asked-back" }, "Asked back"),
    el("ul", { class: "rows" }, requests.map((each) =>
      el("li", { class: "row plain" }, el("span", { class: "row-text" }, each.message), el("span", { class: "price" }, each.amount.display)))));
}
