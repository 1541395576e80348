// The files as one stream, one after another: a chunk holds a thousand small files or a piece of a large one.

const SMALLEST = 2 ** 18; // bytes of a chunk
const FIRST = 2 ** 20;
const SECONDS = 1.5; // that a chunk should take: shorter wastes time on answers, longer hides the progress

export class Stream {
  // `files`: {path, file} in the order in which they were announced.
  constructor(files) {
    this.files = files;
    this.ends = [];
    this.total = 0;
    for (const { file } of files) this.ends.push((this.total += file.size));
  }

  // The pieces of the `size` bytes from `offset`: [index of the file, first byte in it, byte behind the last].
  pieces(offset, size) {
    const pieces = [];
    const end = Math.min(this.total, offset + size);
    for (let at = this.countBefore(offset); offset < end; at++) {
      const start = this.ends[at] - this.files[at].file.size;
      const stop = Math.min(end, this.ends[at]);
      if (stop > offset) pieces.push([at, offset - start, stop - start]);
      offset = stop;
    }
    return pieces;
  }

  // The bytes themselves. An error names the file that cannot be read.
  async read(offset, size) {
    const pieces = this.pieces(offset, size);
    const blobs = pieces.map(([at, from, to]) => this.files[at].file.slice(from, to));
    try {
      const data = await new Blob(blobs).arrayBuffer();
      if (data.byteLength === Math.min(size, this.total - offset)) return data;
    } catch {
      // which one it is comes out below
    }
    for (const [i, [at, from, to]] of pieces.entries()) {
      try {
        const { byteLength } = await blobs[i].arrayBuffer();
        if (byteLength !== to - from) throw new Error("size");
      } catch {
        throw new UnreadableError(this.files[at].path);
      }
    }
    throw new UnreadableError(this.files[pieces[0][0]].path);
  }

  // How many files lie before a byte of the stream, whole.
  countBefore(offset) {
    let [low, high] = [0, this.ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class UnreadableError extends Error {
  constructor(path) {
    super(`${path} cannot be read, or was changed after it was chosen. Choose the files again.`);
  }
}

// The size of the next chunk after one of `size` bytes took so many seconds; 0 bytes = the first.
export function chunkSize(size, seconds, largest) {
  if (!size) return Math.min(FIRST, largest);
  const fitting = (size * SECONDS) / Math.max(seconds, 0.001);
  return Math.round(Math.min(largest, Math.max(Math.min(SMALLEST, largest), Math.min(fitting, size * 4))));
}
