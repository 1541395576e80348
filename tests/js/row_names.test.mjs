import assert from "node:assert/strict";
import { test } from "node:test";

import { rowAt } from "../../pages/components/row_names/row_at.js";

const HEIGHTS = { head: 35, row: 48 };

test("the head and what is below the last row have no name", () => {
  assert.equal(rowAt(0, 0, HEIGHTS, 3), -1);
  assert.equal(rowAt(34.9, 500, HEIGHTS, 3), -1);
  assert.equal(rowAt(35 + 3 * 48, 0, HEIGHTS, 3), -1);
});

test("rows are counted from the first one, also where the table is scrolled", () => {
  assert.equal(rowAt(35, 0, HEIGHTS, 3), 0);
  assert.equal(rowAt(35 + 47, 0, HEIGHTS, 3), 0);
  assert.equal(rowAt(35 + 48, 0, HEIGHTS, 3), 1);
  assert.equal(rowAt(40, 96, HEIGHTS, 3), 2);
});
