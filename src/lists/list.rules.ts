/** The limits of lists and filters, for what holds to them and for the texts that tell of them. */

/** Rows of a page when neither `first` nor `last` is given. */
export const DEFAULT_PAGE_SIZE = 20;
/** Maximum number of rows of one page. */
export const MAX_PAGE_SIZE = 100;
/** What a page size must be, in words. */
export const PAGE_SIZE_RANGE = `1 to ${MAX_PAGE_SIZE}`;

/** Maximum number of values of one `in` or `notIn`. */
export const MAX_FILTER_VALUES = 1_000;
/** Maximum number of levels of `and`, `or` and `not` within each other. */
export const MAX_FILTER_DEPTH = 16;
/** Maximum number of operators of one filter. */
export const MAX_FILTER_OPERATORS = 500;
/** How large a filter may be, in words. */
export const FILTER_SIZE = `At most ${MAX_FILTER_DEPTH} levels and ${MAX_FILTER_OPERATORS} operators.`;
