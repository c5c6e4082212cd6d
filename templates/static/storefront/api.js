// The one way to the API. An answer that did not come is not a refusal: nobody knows what became of the request.

import * as store from "./store.js";

const PATIENCE_MS = 25_000;
const AGAIN_MS = [1000, 2000, 4000, 8000];

export class NoAnswer extends Error {}

export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.title || "The shop refused this.");
    this.status = status;
    this.code = body.code || "";
    this.facts = body;
    this.retryAfterMs = retryAfter ? Number(retryAfter) * 1000 : null;
  }
}

export async function call(method, path, { body, headers = {}, root = "/api/v1/" } = {}) {
  const session = store.read("session");
  const asked = { Accept: "application/json", ...(session ? { "X-Session-Token": session } : {}), ...headers };
  if (body !== undefined) asked["Content-Type"] = "application/json";
  let response, text;
  try {
    response = await fetch(root + path, {
      method,
      headers: asked,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch {
    throw new NoAnswer();
  }
  let parsed = {};
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    if (response.ok) throw new NoAnswer();
  }
  const { status } = response;
  if (status >= 400) {
    if (status === 401 && parsed.code === "session_ended") store.forget("session");
    throw new Problem(status, parsed, response.headers.get("Retry-After"));
  }
  return { status, body: parsed, etag: response.headers.get("ETag") };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Until the browser says that the connection is back, or for as long as it is worth to try anyway.
export async function connection(attempt) {
  const ms = AGAIN_MS[Math.min(attempt, AGAIN_MS.length - 1)];
  if (navigator.onLine) return pause(ms);
  await new Promise((resolve) => {
    addEventListener("online", resolve, { once: true });
  });
}

function isFinal(error) {
  if (error instanceof NoAnswer) return false;
  return error instanceof Problem && error.status < 500 && error.status !== 429 && error.code !== "request_in_progress";
}

// Sends what must happen once. Key and body are stored before the first send and the same two are sent until a final
// answer comes, in this window or, when it was closed meanwhile, in the next: `pending` tells of what is left open.
// An answer of 202 is not final: the key stays until `settle`.
export async function sendOnce(purpose, request, { onWait = () => {} } = {}) {
  const kept = pending(purpose) ?? store.write(`key.${purpose}`, { ...request, key: `web_${store.random()}` });
  for (let attempt = 0; ; attempt += 1) {
    try {
      const headers = { ...kept.headers, "Idempotency-Key": kept.key };
      const answer = await call("POST", kept.path, { body: kept.body, headers });
      if (answer.status !== 202) settle(purpose);
      return answer;
    } catch (error) {
      if (isFinal(error)) {
        settle(purpose);
        throw error;
      }
      if (!(error instanceof NoAnswer) && !(error instanceof Problem)) throw error;
      onWait(error);
      if (error.retryAfterMs) await pause(error.retryAfterMs);
      else await connection(attempt);
    }
  }
}

export function pending(purpose) {
  return store.read(`key.${purpose}`);
}

export function settle(purpose) {
  store.forget(`key.${purpose}`);
}

// Reads until there is an answer; a refusal ends it.
export async function ask(path, { headers, onWait = () => {} } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call("GET", path, { headers });
    } catch (error) {
      if (isFinal(error)) throw error;
      if (!(error instanceof NoAnswer) && !(error instanceof Problem)) throw error;
      onWait(error);
      if (error.retryAfterMs) await pause(error.retryAfterMs);
      else await connection(attempt);
    }
  }
}
