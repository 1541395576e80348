// The length of a scale bar: 1, 2 or 5 times a power of ten, at most `most` micrometers. Returns [micrometers, words].
export function barLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((times) => times * power).find((value) => value <= most * 1.0000001) ?? power;
  const words = (value, unit) => `${Number(value.toPrecision(3))} ${unit}`;
  if (length < 1) return [length, words(length * 1000, "nm")];
  return [length, length < 1000 ? words(length, "µm") : words(length / 1000, "mm")];
}
