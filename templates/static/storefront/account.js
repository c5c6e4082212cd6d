// The room of the account: signing in and up, and the orders of the account or, without one, of this browser.

import { NoAnswer, Problem, ask, call } from "./api.js";
import * as basket from "./basket.js";
import { noteOrder, orderHeaders } from "./lead.js";
import * as store from "./store.js";
import { el, nameOf, notice, show, silence, suffix } from "./view.js";

const room = document.querySelector("[data-room]");
const DOOR = { root: "/_allauth/app/v1/" };
const PASSWORD_MIN = 12;
let email = "";

// Who came from the checkout goes back to it.
const isOnTheWay = () => new URLSearchParams(location.search).get("next") === "checkout" && Boolean(basket.held());

// A 401 of this door says what comes next, so it is an answer like any other.
async function knock(method, path, body) {
  const token = store.read("session") ?? store.read("entering");
  const headers = token ? { "X-Session-Token": token } : {};
  try {
    const answer = await call(method, path, { ...DOOR, body, headers });
    return { status: answer.status, body: answer.body };
  } catch (error) {
    if (error instanceof Problem && error.status < 500 && error.status !== 429) return { status: error.status, body: error.facts };
    throw error;
  }
}

function isPending(answer, flow) {
  return answer.body.data?.flows?.some((each) => each.id === flow && each.is_pending);
}

// A token counts only once it is signed in; until then it is the thread of what was begun.
function keepToken(answer) {
  const token = answer.body.meta?.session_token;
  if (answer.body.meta?.is_authenticated) {
    if (token) store.write("session", token);
    store.forget("entering");
  } else if (token) store.write("entering", token);
}

function field(label, name, type, autocomplete, more = {}) {
  return el("div", { class: "field" }, el("label", { for: name }, label), el("input", { id: name, name, type, autocomplete, required: true, ...more }));
}

function panel({ title, lead, fields, act, submit, links = [] }) {
  const said = el("div", { role: "alert" });
  const button = el("button", { class: "button" }, act);
  const form = el("form", { class: "group form" }, el("h2", {}, title), lead ? el("p", {}, lead) : null, ...fields, said, button,
    el("p", { class: "line-of-links" }, links.map(([words, go]) => el("button", { type: "button", class: "quiet-button", onclick: go }, words))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    show(said);
    try {
      const sentence = await submit(Object.fromEntries(new FormData(form)));
      if (sentence) show(said, notice("bad", el("p", {}, sentence)));
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
      show(said, notice("bad", el("p", {}, error.status === 429 ? silence(error) : `${silence(error)} Please try again.`)));
    } finally {
      button.disabled = false;
    }
  });
  return form;
}

const emailField = () => field("E-mail address", "email", "email", "username", { value: email, maxlength: 254 });
const words = (answer) => answer.body.errors?.map((each) => each.message).join(" ") || answer.body.title || "This was not accepted.";

async function enter(answer) {
  keepToken(answer);
  if (answer.body.meta?.is_authenticated) {
    await basket.claim();
    if (isOnTheWay()) location.replace(`/checkout${suffix()}`);
    else await load();
    return "";
  }
  if (isPending(answer, "verify_email")) {
    showCode();
    return "";
  }
  return words(answer);
}

function showSignIn() {
  furnish(panel({
    title: "Sign in", act: "Sign in",
    fields: [emailField(), field("Password", "password", "password", "current-password")],
    submit: async (given) => {
      email = given.email;
      return enter(await knock("POST", "auth/login", given));
    },
    links: [["Make an account", showSignUp], ["Forgotten your password?", showForgotten]],
  }));
}

function showSignUp() {
  furnish(panel({
    title: "Make an account", act: "Make the account",
    lead: "To find your orders on every device. You can buy without one.",
    fields: [emailField(), field(`Password, at least ${PASSWORD_MIN} characters`, "password", "password", "new-password", { minlength: PASSWORD_MIN })],
    submit: async (given) => {
      email = given.email;
      return enter(await knock("POST", "auth/signup", given));
    },
    links: [["I have an account", showSignIn]],
  }));
}

function showCode() {
  furnish(panel({
    title: "Type the code from our mail", act: "Go on",
    lead: "We have sent it to the address you typed, to be sure that it is yours.",
    fields: [field("Code", "key", "text", "one-time-code", { maxlength: 16, autocapitalize: "characters", spellcheck: "false" })],
    submit: async ({ key }) => {
      const answer = await knock("POST", "auth/email/verify", { key: key.trim().toUpperCase() });
      if (answer.status === 409) return "This code is over. Sign in, and we send another.";
      return enter(answer);
    },
    links: [["Back to signing in", showSignIn]],
  }));
}

function showForgotten() {
  furnish(panel({
    title: "A new password", act: "Send the code",
    lead: "We send a code to your address; with it you choose a new password.",
    fields: [emailField()],
    submit: async (given) => {
      email = given.email;
      const answer = await knock("POST", "auth/password/request", given);
      keepToken(answer);
      if (![200, 401].includes(answer.status)) return words(answer);
      showNewPassword();
      return "";
    },
    links: [["Back to signing in", showSignIn]],
  }));
}

function showNewPassword() {
  furnish(panel({
    title: "Choose a new password", act: "Keep this password",
    fields: [
      field("Code from our mail", "key", "text", "one-time-code", { maxlength: 16, autocapitalize: "characters", spellcheck: "false" }),
      field(`New password, at least ${PASSWORD_MIN} characters`, "password", "password", "new-password", { minlength: PASSWORD_MIN }),
    ],
    submit: async ({ key, password }) => {
      const answer = await knock("POST", "auth/password/reset", { key: key.trim().toUpperCase(), password });
      if (![200, 401].includes(answer.status)) return words(answer);
      store.forget("entering");
      showSignIn();
      return "";
    },
    links: [["Back to signing in", showSignIn]],
  }));
}

async function signOut() {
  try {
    await knock("DELETE", "auth/session");
  } catch (error) {
    if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
  }
  store.forget("session");
  basket.letGo();
  load();
}

let present = null;

// Who one is above, what was ordered below.
function furnish(entrance) {
  present = entrance;
  const list = el("section", { "aria-labelledby": "orders" }, el("h2", { id: "orders" }, store.read("session") ? "Your orders" : "Orders from this browser"), el("div", { "data-orders": true }));
  show(room, entrance, list);
  listOrders(list.querySelector("[data-orders]"));
}

async function ordersOfAccount(onWait) {
  const { body } = await ask("orders", { onWait });
  return body.orders;
}

async function ordersOfBrowser(onWait) {
  const found = [];
  for (const { id } of store.orders().filter((order) => order.token)) {
    try {
      const { body } = await ask(`orders/${id}`, { headers: orderHeaders(id), onWait });
      noteOrder(body);
      found.push(body);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return found;
}

async function listOrders(place) {
  const onWait = (error) => show(place, notice("wait", el("p", {}, silence(error))));
  try {
    const found = await (store.read("session") ? ordersOfAccount(onWait) : ordersOfBrowser(onWait));
    if (found.length) show(place, el("ul", { class: "rows" }, found.map(row)));
    else show(place, el("p", { class: "small" }, "Nothing was ordered yet. What you order as a guest is found here as well, for as long as this browser keeps it."));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    load();
  }
}

// A summary names its first line, a whole order all of them.
function contents(order) {
  const first = order.first_line ?? nameOf(order.lines[0]);
  const others = (order.lines_count ?? order.lines.length) - 1;
  return others > 0 ? `${first} and ${others} more` : first;
}

function row(order) {
  const day = new Date(order.created_at).toLocaleDateString(document.body.dataset.locale, { day: "numeric", month: "long", year: "numeric" });
  return el("li", { class: "row plain" },
    el("div", { class: "row-text" }, el("strong", {}, el("a", { href: `/orders/${order.order_id}` }, "Order ", el("span", { class: "number" }, order.number))), el("span", { class: "small" }, `${day} · ${contents(order)}`), el("span", { class: "small" }, order.message)),
    el("span", { class: "price" }, order.total.display));
}

async function load() {
  if (!store.read("session")) {
    if (store.read("entering") && !present) return showCode();
    return showSignIn();
  }
  let answer;
  try {
    answer = await knock("GET", "auth/session");
  } catch (error) {
    if (!(error instanceof Problem) && !(error instanceof NoAnswer)) throw error;
    return show(room, notice("wait", el("p", {}, silence(error))));
  }
  if (answer.status !== 200) {
    store.forget("session");
    return showSignIn();
  }
  keepToken(answer);
  return furnish(el("div", { class: "group" }, el("p", {}, "Signed in as ", el("strong", {}, answer.body.data.user.email)), el("p", {}, el("button", { type: "button", class: "quiet-button", onclick: signOut }, "Sign out"))));
}

addEventListener("pageshow", load);
addEventListener("online", load);
