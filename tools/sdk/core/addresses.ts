// Which address a client asks, and at which one it opens its stream. Pure.
//
// 1. The base address is always good enough: any node relays. So where another one is not reached, the next stream is opened
//    at the base address, and nobody moves the client there again until it has been told of yet another.
// 2. Where the base address itself is not reached, Navigate is asked in turn there and where the last stream stood.

export class Addresses {
  readonly #base: string;
  /** Where the last stream had its Welcome. */
  #stood: string;
  /** Where a stream could not be opened; empty = nowhere. */
  #unreached = '';
  #asksElsewhere = false;
  /** Where the next stream is opened. */
  current: string;

  constructor(base: string) {
    this.#base = base;
    this.#stood = base;
    this.current = base;
  }

  /** Where Navigate is asked. */
  get asked(): string {
    return this.#asksElsewhere ? this.#stood : this.#base;
  }

  /** Navigate has answered. */
  navigated(address: string): void {
    this.#take(address);
    if (address === this.#unreached) this.current = this.#base;
  }

  /** Navigate was not reached, or did not get an answer. */
  notAnswered(): void {
    this.#asksElsewhere = !this.#asksElsewhere && this.#stood !== this.#base;
  }

  /** A Rotate names an address; false: there is no use in going there. */
  rotate(address: string): boolean {
    if (address === this.#unreached) return false;
    this.#take(address);
    return true;
  }

  #take(address: string): void {
    if (address !== this.#unreached && address !== this.#base) this.#unreached = '';
    this.current = address;
  }

  /** The stream has had its Welcome. */
  welcome(): void {
    this.#stood = this.current;
    this.#asksElsewhere = false;
  }

  /** The stream could not be opened for want of a line. True: at an address that can be done without. */
  notReached(): boolean {
    if (this.current === this.#base) return false;
    this.#unreached = this.current;
    return true;
  }

  /** The network has changed, or the application connects anew: nothing is known of addresses. */
  forget(): void {
    this.#unreached = '';
    this.#asksElsewhere = false;
  }
}
