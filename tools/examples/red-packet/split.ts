// How a sum becomes shares.

/**
 * Splits `total` into so many shares at random: each at least 1, together exactly `total`.
 * @param random64 gives 64 random bits
 */
export function split(total: bigint, shares: number, random64: () => bigint): bigint[] {
  const amounts: bigint[] = [];
  let left = total;
  for (let open = BigInt(shares); open > 1n; open--) {
    // Up to twice the average: what stays is enough for 1 each.
    const amount = 1n + (random64() % ((2n * left) / open - 1n));
    amounts.push(amount);
    left -= amount;
  }
  return [...amounts, left];
}
