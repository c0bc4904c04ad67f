/** B3's own bad answers, as they were seen. */
export const seen: readonly string[] = [
  ...["notFound", "empty", "page", "cdn", "truncated", "cut", "drip", "longer", "shorter", "huge", "redirectLoop"],
  ...["fewerLines", "columnMoved", "sessionAhead", "csvColumns"],
  ...["stringTwice", "negativePages", "twentyRows", "enUs", "renamed", "offByOne"],
];
