import assert from "node:assert/strict";
import test from "node:test";

import { entriesOf, fingerprint, fromEntries, fromInput, isJunk, merge, proposeName } from "../../pages/components/uploader/collect.js";
import { CancelledError, RefusedError, Sender } from "../../pages/components/uploader/sender.js";
import { chunkSize, Stream, UnreadableError } from "../../pages/components/uploader/stream.js";
import { bytes, files as filesText, progressText, Speed, spokenProgress } from "../../pages/components/uploader/wording.js";

const item = (path, content = "", lastModified = 1) => ({ path, file: Object.assign(new Blob([content]), { lastModified }) });

// A folder as the browser gives it: entries in batches of `batch`.
function folder(path, children, batch = 100) {
  return {
    isFile: false,
    fullPath: path,
    createReader() {
      let at = 0;
      return { readEntries: (resolve) => resolve(children.slice(at, (at += batch))) };
    },
  };
}
const fileAt = (path) => ({ isFile: true, fullPath: path, file: (resolve) => resolve(path) });

test("junk is what the server takes for junk", () => {
  const names = ["__MACOSX/a.png", "x/._a.png", ".ipynb_checkpoints/a.png", "Thumbs.db", "../a.png", "a.b/c.png", "@eaDir/x"];
  assert.deepEqual(names.map(isJunk), [true, true, true, true, false, false, true]);
});

test("all levels of dropped folders are read, in batches, without hidden folders", async () => {
  const many = Array.from({ length: 250 }, (_, i) => fileAt(`/cells/masks/${i}.png`));
  const root = folder("/cells", [folder("/cells/masks", many), folder("/cells/.git", [fileAt("/cells/.git/x")]), fileAt("/cells/a.png")]);
  const counts = [];
  const files = await fromEntries([root, fileAt("/b.zip")], (count) => counts.push(count));
  assert.equal(files.length, 252);
  assert.deepEqual(files[0], { path: "cells/masks/0.png", file: "/cells/masks/0.png" });
  assert.deepEqual(files.slice(-2).map(({ path }) => path), ["cells/a.png", "b.zip"]);
  const failing = folder("/x", []);
  failing.createReader = () => ({ readEntries: (_, reject) => reject(new Error("no")) });
  await assert.rejects(fromEntries([failing]), /no/);
  const dropped = { items: [{ kind: "string" }, { kind: "file", webkitGetAsEntry: () => root }, { kind: "file", webkitGetAsEntry: () => null }] };
  assert.deepEqual(entriesOf(dropped), [root]);
});

test("chosen files have their path where a folder was chosen", () => {
  const files = [{ name: "a.png", webkitRelativePath: "" }, { name: "b.png", webkitRelativePath: "cells/b.png" }];
  assert.deepEqual(fromInput(files).map(({ path }) => path), ["a.png", "cells/b.png"]);
});

test("selections add up; the order is the same each time", () => {
  const first = merge([], [item("b"), item("a"), item(".DS_Store")]);
  assert.deepEqual([first.files.map(({ path }) => path), first.junk], [["a", "b"], 1]);
  const newer = item("b", "newer");
  const both = merge(first.files, [newer, item("B")]);
  assert.deepEqual(both.files.map(({ path }) => path), ["B", "a", "b"]);
  assert.equal(both.files[2], newer);
});

test("a dataset is called like its folder or ZIP file", () => {
  assert.equal(proposeName(["cells/a.png", "cells/masks/a.png"]), "cells");
  assert.equal(proposeName(["nuclei.v2.ZIP"]), "nuclei.v2");
  assert.equal(proposeName(["a.png", "cells/a.png"]), "My dataset");
  assert.equal(proposeName(["a.zip", "b.zip"]), "My dataset");
});

test("a selection is known again by names, sizes and times", () => {
  const files = [item("a", "one"), item("b", "two")];
  const same = fingerprint([item("a", "one"), item("b", "two")]);
  assert.equal(fingerprint(files), same);
  for (const other of [[item("a", "one")], [item("a", "one"), item("b", "two", 2)], [item("a", "on"), item("b", "two")], [item("ab", "one"), item("", "two")]]) {
    assert.notEqual(fingerprint(other), same);
  }
});

test("the stream is the files one after another, in chunks of any size", async () => {
  const contents = ["one", "", "twotwo", "", "3"];
  const stream = new Stream(contents.map((content, i) => item(String(i), content)));
  assert.equal(stream.total, 10);
  for (const size of [1, 2, 3, 4, 100]) {
    let text = "";
    for (let at = 0; at < stream.total; at += size) text += new TextDecoder().decode(await stream.read(at, size));
    assert.equal(text, contents.join(""));
  }
  assert.deepEqual(stream.pieces(2, 3), [[0, 2, 3], [2, 0, 2]]);
  assert.deepEqual([0, 2, 3, 8, 9, 10].map((at) => stream.countBefore(at)), [0, 0, 2, 2, 4, 5]);
});

test("a file that cannot be read is named", async () => {
  const gone = { size: 3, slice: (from, to) => Object.assign(new Blob(["x".repeat(to - from - 1)]), {}) };
  const stream = new Stream([item("good", "abc"), { path: "cells/gone.png", file: gone }]);
  await assert.rejects(stream.read(0, 6), (error) => error instanceof UnreadableError && error.message.startsWith("cells/gone.png cannot be read"));
});

test("chunks grow with the speed and shrink without it", () => {
  assert.equal(chunkSize(0, 0, 2 ** 23), 2 ** 20);
  assert.equal(chunkSize(2 ** 20, 0.1, 2 ** 23), 2 ** 22);
  assert.equal(chunkSize(2 ** 22, 0.1, 2 ** 23), 2 ** 23);
  assert.equal(chunkSize(2 ** 20, 15, 2 ** 23), 2 ** 18);
  assert.equal(chunkSize(2 ** 20, 3, 2 ** 23), 2 ** 19);
  assert.equal(chunkSize(2 ** 20, 3, 100), 100);
});

// A server in a few lines; `answers` may stand in for the truth of the next requests.
function server() {
  const it = { uploads: new Map(), requests: [], answers: [], data: "" };
  it.ask = async (method, path, body) => {
    it.requests.push(`${method} ${path}`);
    const planned = it.answers.shift();
    if (planned === "lost") throw new TypeError("no connection");
    if (planned) return { body: {}, ...planned };
    const [, id, action] = path.split(/[/?]/);
    if (method === "POST" && !id) {
      const made = `id${it.uploads.size}`;
      const total = JSON.parse(body).files.reduce((sum, [, size]) => sum + size, 0);
      it.uploads.set(made, { total, arrived: 0 });
      return { status: 201, body: { id: made, arrived: 0, total, chunk: 4 } };
    }
    const upload = it.uploads.get(id);
    if (!upload) return { status: 404, body: { error: "gone" } };
    if (method === "GET") return { status: 200, body: { state: "receiving", chunk: 4, ...upload } };
    if (method === "DELETE") return { status: 200, body: { state: String(it.uploads.delete(id)) } };
    if (action === "finish") {
      upload.state = "done";
      return { status: 202, body: {} };
    }
    const offset = Number(action.split("=")[1]);
    if (offset !== upload.arrived) return { status: 409, body: { error: "gap", arrived: upload.arrived } };
    it.data += new TextDecoder().decode(body);
    upload.arrived += body.byteLength;
    return { status: 200, body: { arrived: upload.arrived } };
  };
  return it;
}

function senderTo(it) {
  const events = [];
  const waits = [];
  const wait = async (ms) => void waits.push(ms);
  let time = 0;
  const sender = new Sender({ ask: it.ask, tell: (event) => events.push(event.state), wait, now: () => (time += 1000) });
  return { sender, events, waits };
}
const stream = () => new Stream([item("a", "hello "), item("b", "world")]);

test("a whole upload", async () => {
  const it = server();
  const { sender, waits } = senderTo(it);
  const ids = [];
  const status = await sender.send(stream(), "cells", "", (id) => ids.push(id));
  assert.deepEqual([status.state, it.data, ids, waits], ["done", "hello world", ["id0"], []]);
  assert.deepEqual(it.requests.slice(0, 3), ["POST ", "PUT /id0?offset=0", "PUT /id0?offset=4"]);
  assert.deepEqual(it.requests.slice(-2), ["POST /id0/finish", "GET /id0"]);
});

test("after a lost connection it asks what has arrived and goes on, ever more seldom", async () => {
  const it = server();
  const { sender, events, waits } = senderTo(it);
  it.answers = [undefined, undefined, "lost", { status: 502 }, "lost", undefined, { status: 403, body: { error: "old" } }];
  await sender.send(stream(), "cells", "", () => {});
  assert.equal(it.data, "hello world");
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
  assert.ok(events.includes("waiting"));
  assert.equal(it.requests.filter((request) => request === "POST ").length, 1);
});

test("after a reload only the rest is sent", async () => {
  const it = server();
  it.uploads.set("old", { total: 11, arrived: 6 });
  const { sender } = senderTo(it);
  await sender.send(stream(), "cells", "old", () => assert.fail("it is not new"));
  assert.deepEqual([it.data, it.requests[0], it.requests[1]], ["world", "GET /old", "PUT /old?offset=6"]);
});

test("an upload that is gone, or another's, begins anew", async () => {
  for (const before of [null, { total: 3, arrived: 1 }]) {
    const it = server();
    if (before) it.uploads.set("old", before);
    const { sender } = senderTo(it);
    await sender.send(stream(), "cells", "old", () => {});
    assert.equal(it.data, "hello world");
  }
});

test("where the server has got more or less than thought, it says so and that counts", async () => {
  const it = server();
  const { sender } = senderTo(it);
  it.answers = [undefined, { status: 200, body: { arrived: 8 } }];
  await sender.send(stream(), "cells", "", () => {});
  assert.equal(it.data, "hello world");
});

test("what the server refuses ends it, with its words", async () => {
  const plans = [
    [[{ status: 400, body: { error: "bad name" } }], /bad name/, true],
    [[undefined, { status: 507, body: { error: "disk full" } }], /disk full/, true],
    [[...Array(4), undefined, { status: 200, body: { state: "failed", error: "bomb", again: false } }], /bomb/, false],
  ];
  for (const [answers, message, again] of plans) {
    const it = server();
    it.answers = answers;
    const { sender } = senderTo(it);
    await assert.rejects(sender.send(stream(), "cells", "", () => {}), (error) => error instanceof RefusedError && message.test(error.message) && error.again === again);
  }
});

test("unpacking is followed to its end, also after a reload", async () => {
  const it = server();
  it.uploads.set("old", { total: 11, arrived: 11 });
  const { sender, events } = senderTo(it);
  it.answers = [undefined, { status: 200, body: { state: "unpacking" } }, "lost"];
  assert.equal((await sender.follow("old", "cells")).state, "done");
  assert.deepEqual(events, ["unpacking"]);
  await assert.rejects(sender.follow("gone", "cells"), /gone/);
});

test("cancelled: the server forgets it and nothing more is sent", async () => {
  const it = server();
  const { sender } = senderTo(it);
  sender.tell = ({ arrived }) => arrived > 3 && sender.cancel();
  await assert.rejects(sender.send(stream(), "cells", "", () => {}), CancelledError);
  assert.equal(it.requests.filter((request) => request === "DELETE /id0").length, 1);
  assert.equal(it.uploads.size, 0);
});

test("sizes, counts and speeds as text", () => {
  assert.deepEqual([0, 1, 999, 1000, 1234, 9_960, 123_456, 999_600, 5e9].map(bytes), ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.2 kB", "10 kB", "123 kB", "1.0 MB", "5.0 GB"]);
  assert.deepEqual([filesText(1), filesText(12_345)], ["1 file", "12,345 files"]);
  const progress = { arrived: 5e6, total: 2e7, filesDone: 3, filesTotal: 10, speed: 1.5e6 };
  assert.equal(progressText(progress), "3 of 10 files, 5.0 MB of 20 MB, 1.5 MB/s");
  assert.equal(progressText({ ...progress, filesTotal: 1, speed: null }), "5.0 MB of 20 MB");
  assert.deepEqual([spokenProgress(0, 10), spokenProgress(59, 100), spokenProgress(0, 0)], ["0 percent uploaded", "50 percent uploaded", "100 percent uploaded"]);
});

test("the speed is that of the last seconds", () => {
  const speed = new Speed(5000);
  assert.equal(speed.add(0, 0), null);
  assert.equal(speed.add(1000, 100), null);
  assert.equal(speed.add(2000, 1000), 2000);
  assert.equal(speed.add(2000, 20_000), 0);
  assert.equal(speed.add(12_000, 21_000), 10_000);
  assert.equal(speed.add(0, 22_000), null);
});
