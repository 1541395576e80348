// What was dropped or chosen, as a list of {path, file} with paths below the folder that was chosen.

const JUNK_FOLDERS = ["__macosx", "@eadir", "$recycle.bin"];
const JUNK = ["thumbs.db", "desktop.ini", "ehthumbs.db"];

// Whether a path is what systems leave behind, or hidden, or in such a folder; as `unet_core/io/filenames.is_junk`.
export function isJunk(path) {
  const parts = path.toLowerCase().split("/");
  const hidden = parts.some((part) => part.startsWith(".") && part.replaceAll(".", "") !== "");
  return hidden || JUNK.includes(parts.at(-1)) || parts.some((part) => JUNK_FOLDERS.includes(part));
}

// The files of an <input type="file">, with their paths where a folder was chosen.
export function fromInput(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

// The entries of a drop. Must be called within the event: afterwards the browser has forgotten them.
export function entriesOf(transfer) {
  return [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry()).filter(Boolean);
}

// All files below entries, at any depth. `count(n)` is told how many there are so far.
export async function fromEntries(entries, count = () => {}) {
  const files = [];
  const waiting = [...entries].reverse();
  while (waiting.length) {
    const entry = waiting.pop();
    const path = entry.fullPath.replace(/^\/+/, "");
    if (entry.isFile) {
      files.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
      if (files.length % 500 === 0) count(files.length);
    } else if (!isJunk(path)) waiting.push(...(await listFolder(entry)).reverse());
  }
  return files;
}

// A reader gives at most 100 entries at a time, and none at the end.
async function listFolder(entry) {
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

// Two selections as one: sorted by path, the later one counts where a path is in both; without junk.
export function merge(before, added) {
  const files = new Map(before.map((item) => [item.path, item]));
  let junk = 0;
  for (const item of added) {
    if (isJunk(item.path)) junk += 1;
    else files.set(item.path, item);
  }
  const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  return { files: sorted, junk };
}

// What a selection is called: its folder, its ZIP file, else "My dataset".
export function proposeName(paths) {
  const [first] = paths.length ? paths[0].split("/") : [""];
  if (paths.length && paths.every((path) => path.startsWith(`${first}/`))) return first;
  if (paths.length === 1 && /\.zip$/i.test(first)) return first.slice(0, -4);
  return "My dataset";
}

// Equal for the same selection, also after a reload: paths, sizes and times. No secret, so a short hash will do.
export function fingerprint(files) {
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (const { path, file } of files) {
    for (const text = `${path}\0${file.size}\0${file.lastModified}\n`, i = { at: 0 }; i.at < text.length; i.at++) {
      a = Math.imul(a ^ text.charCodeAt(i.at), 0x01000193);
      b = Math.imul(b ^ text.charCodeAt(i.at), 0x85ebca6b) ^ (b >>> 13);
    }
  }
  return [a, b].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
}
