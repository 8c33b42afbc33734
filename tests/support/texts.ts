/** Text made of `count` pieces. */
export function times(count: number, piece: (index: number) => string, between = ' '): string {
  return Array.from({ length: count }, (_, index) => piece(index)).join(between);
}

/** `middle` between so many times `before` and as many times `after`. */
export function nested(levels: number, before: string, middle: string, after: string): string {
  return before.repeat(levels) + middle + after.repeat(levels);
}
