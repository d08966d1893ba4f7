const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';

/** RFC 9110, 5.6.7: the form of today and the two obsolete ones that a recipient must read. */
const FORMS = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/**
 * @param now  Unix ms; a year of two digits is at most fifty years behind it
 * @returns    Unix ms; undefined for what is no HTTP-date, which a recipient ignores
 */
export function readHttpDate(text: string, now = Date.now()): number | undefined {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!parts) return undefined;
  const { year = '', month = '', day = '', hour, minute, second } = parts;
  const full = year.length === 2 ? fullYear(Number(year), now) : Number(year);
  const days = Date.UTC(full, MONTHS.indexOf(month), Number(day));
  const date = days + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  // 31 Nov is no day.
  return new Date(days).getUTCDate() === Number(day) ? date : undefined;
}

function fullYear(year: number, now: number): number {
  const current = new Date(now).getUTCFullYear();
  const full = current - (current % 100) + year;
  return full > current + 50 ? full - 100 : full;
}
