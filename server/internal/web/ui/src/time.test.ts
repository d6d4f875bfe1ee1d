import { expect, it } from "vitest";
import { dayLabel } from "./time";

const now = new Date(2026, 10, 20, 9, 0).getTime();

it.each([
  ["the same day", new Date(2026, 10, 20, 0, 0), /^Today$/],
  ["the last minute of the day before", new Date(2026, 10, 19, 23, 59), /^Yesterday$/],
  ["this year", new Date(2026, 0, 5, 12, 0), /5/],
  ["another year", new Date(2024, 11, 31, 12, 0), /2024/],
])("names %s", (_, at, want) => {
  expect(dayLabel(at.getTime(), now)).toMatch(want);
});
