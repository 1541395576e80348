import assert from "node:assert/strict";
import test from "node:test";

import { findAction, isForPage } from "../../pages/components/shortcuts/shortcuts.js";

// What is asked of an element: whether it matches a list of selectors.
const node = (selector) => ({ matches: (list) => list.split(/,\s*/).includes(selector) });
const path = (...selectors) => [...selectors.map(node), { nodeType: 9 }]; // the document has no `matches`
const key = (more = {}) => ({ defaultPrevented: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("a key on the page itself or on a button is the page's", () => {
  assert.equal(isForPage(key(), path("body")), true);
  assert.equal(isForPage(key(), path("button", "body")), true);
});

test("a key on what takes keys itself is not, wherever that lies on the way", () => {
  for (const selector of ["[role=application]", "[role=slider]", "[role=gridcell]", "[role=menu]"]) {
    assert.equal(isForPage(key(), path("span", selector, "body")), false, selector);
  }
});

test("a key with a modifier, or one that was answered already, is not", () => {
  for (const name of ["ctrlKey", "metaKey", "altKey", "defaultPrevented", "isComposing"]) {
    assert.equal(isForPage(key({ [name]: true }), path("body")), false, name);
  }
});

const data = { presses: { ArrowLeft: ["previous", "image_previous"] }, focuses: { "/": ["search"] }, pages: { h: "", t: "train" } };

test("a page is opened by its letter after g, in both cases, and by nothing else", () => {
  assert.deepEqual(findAction("g", false, data), { waits: true });
  assert.deepEqual(findAction("t", true, data), { page: "train" });
  assert.deepEqual(findAction("H", true, data), { page: "" });
  assert.equal(findAction("t", false, data), null);
  assert.equal(findAction("x", true, data), null);
  assert.deepEqual(findAction("g", true, data), { waits: true });
});

test("other keys press buttons and focus fields, also after g; names of an object's own methods are no keys", () => {
  assert.deepEqual(findAction("ArrowLeft", true, data), { press: ["previous", "image_previous"] });
  assert.deepEqual(findAction("/", false, data), { focus: ["search"] });
  assert.equal(findAction("toString", false, data), null);
});
