// How the Dice of one image went over the epochs, in one or two sentences.

const GOOD = 0.8; // the Dice whose first epoch is named
const DROP = 0.1; // a fall of the Dice that is worth a sentence

// `values`: a Dice or null for each of `epochs`, in their order.
export function trendText(values, epochs) {
  let [before, drop, reached, best] = [null, null, null, null];
  values.forEach((value, index) => {
    if (value === null) return;
    const epoch = epochs[index];
    if (reached === null && value >= GOOD) reached = epoch;
    if (best === null || value > best.value) best = { value, epoch };
    if (before !== null && before - value > Math.max(DROP, drop?.by ?? 0)) drop = { by: before - value, before, value, epoch };
    before = value;
  });
  if (best === null) return "Dice is undefined.";
  const first =
    reached === null ? `Best Dice ${best.value.toFixed(2)} at epoch ${best.epoch}.` : `Dice reached ${GOOD} at epoch ${reached}.`;
  return drop ? `${first} Fell from ${drop.before.toFixed(2)} to ${drop.value.toFixed(2)} at epoch ${drop.epoch}.` : first;
}
