// Compressed bytes and back, by the browser itself.

// `format`: "deflate" (zlib), "deflate-raw" or "gzip". Throws where the data are damaged.
export async function inflate(bytes, format = "deflate") {
  return through(new DecompressionStream(format), bytes);
}

export async function deflate(bytes) {
  return through(new CompressionStream("deflate"), bytes);
}

async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  const result = new Response(stream.readable).arrayBuffer();
  await Promise.all([written, result.catch(() => {})]);
  return new Uint8Array(await result);
}
