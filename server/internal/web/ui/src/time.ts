// Dates and times in the language of the browser.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export function timeOfDay(at: number): string {
  return clock.format(at);
}

export function fullTime(at: number): string {
  return full.format(at);
}

/** The name of a day as a heading: Today, Yesterday, or its date. */
export function dayLabel(at: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? thisYear : otherYear).format(at);
}

/** The local midnight before a time, as a number that also identifies the day. */
export function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
