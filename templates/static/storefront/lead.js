// From a basket that became an order to that order: whatever was closed, lost or gone back to, there is one way on.

import { Problem, ask, settle } from "./api.js";
import * as basket from "./basket.js";
import * as store from "./store.js";

const BEFORE_PAYMENT = new Set(["created", "payment_pending", "payment_failed"]);
const ENDED = new Set(["cancelled", "expired"]);

export function isOpen(order) {
  return BEFORE_PAYMENT.has(order.phase) && !ENDED.has(order.status);
}

export function noteOrder(order, token) {
  store.rememberOrder(order.order_id, token, { number: order.number, is_open: isOpen(order) });
}

export function orderHeaders(orderId) {
  const token = store.orderToken(orderId);
  return token ? { "X-Order-Token": token } : {};
}

export function go(orderId) {
  location.replace(`/orders/${orderId}`);
}

// An order that is still open is gone to; one that is done leaves the basket empty for the next.
export async function leadToOrder(cart, orderId, whenDone) {
  try {
    const { body } = await ask(`orders/${orderId}`, { headers: orderHeaders(orderId) });
    noteOrder(body);
    if (isOpen(body)) return go(orderId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  settle(`start.${cart.id}`);
  basket.letGo();
  return whenDone();
}
