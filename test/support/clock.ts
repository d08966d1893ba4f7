const Real = globalThis.Date;

/** The clock of this process, which can be set: whatever asks for the date goes by it, and timers go on as they did. */
export interface SetClock {
  /** By how much, ms; back where negative. */
  move(ms: number): void;
  restore(): void;
}

export function setClock(): SetClock {
  let offset = 0;
  class Moved extends Real {
    constructor(...values: ConstructorParameters<typeof Real> | []) {
      if (values.length === 0) super(Real.now() + offset);
      else super(...values);
    }

    static override now(): number {
      return Real.now() + offset;
    }
  }
  Object.assign(globalThis, { Date: Moved });
  return {
    move: (ms) => {
      offset += ms;
    },
    restore: () => {
      Object.assign(globalThis, { Date: Real });
    },
  };
}
