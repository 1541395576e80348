// Runs the model, in a thread of its own. It fetches nothing: the page gives it the bytes of runtime and model.
//
// {start: {program (address), binary, model, kind, rules, probe}} -> {ready: {seconds}} or {failed: message}
// {run: {image}} -> {progress: {done, total}} ..., {answer} or {failed: message}

import { Blender, gridOf, pixelsOf } from "./tiling.js";
import { Answer, fitChannels, probeInput, statisticsOf, tileOf } from "./values.js";

let ort, session, rules;

async function start({ program, binary, model, kind, rules: given, probe }) {
  ort = await import(program);
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send
  ort.env.wasm.wasmBinary = binary;
  rules = given;
  session = await ort.InferenceSession.create(new Uint8Array(model), {
    executionProviders: [kind],
    graphOptimizationLevel: "all",
  });
  const begun = performance.now();
  await checkModel(probe);
  return { seconds: (performance.now() - begun) / 1000 };
}

// One pass over known numbers must give what PyTorch gave when the page was made: no browser or graphics driver may
// compute something else in silence.
async function checkModel({ side, places, values, tolerance }) {
  const logits = await forward(probeInput(rules.in_channels * side * side), side, side);
  places.forEach((place, at) => {
    if (!(Math.abs(logits[place] - values[at]) <= tolerance)) {
      throw new Error("This browser computes other values than the model gave when the page was made.");
    }
  });
}

async function forward(tile, height, width) {
  const input = new ort.Tensor("float32", tile, [1, rules.in_channels, height, width]);
  const outputs = await session.run({ [session.inputNames[0]]: input });
  const output = outputs[session.outputNames[0]];
  const data = await output.getData();
  input.dispose();
  output.dispose();
  return data;
}

async function run({ image }) {
  const fitted = fitChannels(image, rules);
  const statistics = statisticsOf(fitted, rules.normalization);
  const grid = gridOf(rules.tiles, image.height, image.width);
  const answer = new Answer(image.width, image.height, rules.num_classes);
  const blender = new Blender(grid, rules.num_classes, (top, rows, values) => answer.store(top, rows, values));
  const columns = grid.columns.starts.map((start) => pixelsOf(grid.columns, start));
  let done = 0;
  for (const [row, start] of grid.rows.starts.entries()) {
    const rows = pixelsOf(grid.rows, start);
    for (const [column, pixels] of columns.entries()) {
      const logits = await forward(tileOf(fitted, rows, pixels, statistics), rows.length, pixels.length);
      blender.add(row, column, logits);
      done += 1;
      postMessage({ progress: { done, total: grid.count } });
    }
  }
  const { levels, classes, confidence } = answer;
  const arrays = [levels, classes, confidence].filter(Boolean).map((array) => array.buffer);
  return [{ levels, classes, confidence, tiles: grid.count }, arrays];
}

onmessage = async ({ data }) => {
  try {
    if (data.start) postMessage({ ready: await start(data.start) });
    else {
      const [answer, buffers] = await run(data.run);
      postMessage({ answer }, buffers);
    }
  } catch (error) {
    postMessage({ failed: error?.message ?? String(error) });
  }
};
