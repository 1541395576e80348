import assert from "node:assert/strict";
import test from "node:test";

import { duration, memory, number } from "../../pages/components/shared/format.js";
import { Poller } from "../../pages/components/shared/poller.js";
import { lowerBound, nearest } from "../../pages/components/shared/search.js";
import { load, save } from "../../pages/components/shared/session.js";

test("numbers have four digits, and powers of ten where they are very small or large", () => {
  const words = { 0: "0", 0.123456: "0.1235", 12345.6: "12350", 0.001: "0.001", 0.000123: "1.23e-4", 2500000: "2.50e+6" };
  for (const [value, text] of Object.entries(words)) assert.equal(number(Number(value)), text);
  assert.equal(number(-0.00005), "-5.00e-5");
  for (const none of [null, undefined, NaN]) assert.equal(number(none), "–");
});

test("durations and memory", () => {
  assert.deepEqual([59.4, 60, 61, 3600, 3661, 7320].map(duration), ["59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "2 h 2 min"]);
  assert.deepEqual([null, 0, 1023, 1024, 5632].map(memory), ["–", "–", "1023 MB", "1.0 GB", "5.5 GB"]);
});

test("binary search looks at the first n entries only", () => {
  const values = new Float64Array([1, 2, 2, 5, 0, 0]);
  assert.deepEqual([0, 1, 2, 3, 5, 6].map((x) => lowerBound(values, 4, x)), [0, 0, 1, 3, 3, 4]);
  assert.deepEqual([-9, 1.4, 1.5, 3.4, 3.6, 99].map((x) => nearest(values, 4, x)), [0, 0, 0, 2, 3, 3]);
  assert.equal(nearest(values, 0, 1), -1);
});

test("a browser without session storage forgets", () => {
  assert.equal(load("key", "fallback"), "fallback");
  save("key", 1);
  assert.equal(load("key", 2), 2);
  globalThis.sessionStorage = new Map();
  sessionStorage.getItem = (key) => sessionStorage.get(key) ?? null;
  sessionStorage.setItem = sessionStorage.set;
  save("key", null);
  assert.equal(load("key", 2), null);
  sessionStorage.set("key", "{broken");
  assert.equal(load("key", 3), 3);
  delete globalThis.sessionStorage;
});

test("a poller asks again after failures, counts them, and not while the page is hidden", async () => {
  globalThis.document = { hidden: true };
  const told = [];
  const answers = [false, false, true];
  const over = new Promise((done) => {
    const poller = new Poller({
      ask: async () => {
        told.push("asked");
        if (!answers.shift()) throw new Error("no answer");
      },
      failed: (error) => told.push(error.message),
      delay: (failures) => {
        told.push(failures);
        if (answers.length) return 1;
        done();
        return null;
      },
    });
    poller.poll();
    assert.deepEqual(told, []);
    document.hidden = false;
    poller.poll();
    poller.poll(); // one request at a time
  });
  await over;
  assert.deepEqual(told, ["asked", "no answer", 1, "asked", "no answer", 2, "asked", 0]);
});

test("a stopped poller says nothing of the request that it aborted", async () => {
  globalThis.document = { hidden: false };
  const told = [];
  const poller = new Poller({
    ask: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    failed: () => told.push("failed"),
    delay: () => told.push("delay"),
  });
  const request = poller.poll();
  poller.stop();
  await request;
  await poller.poll();
  assert.deepEqual(told, []);
});
