/** How a command that saves as it stops hears Ctrl-C. */
export interface Interrupt {
  /** Whether it has been pressed. */
  seen(): boolean;
  /** Gives the signals back. */
  close(): void;
}

/**
 * Notes the first Ctrl-C (or SIGTERM) and says so; the second ends the process.
 * @param onFirst called with the first
 */
export function listenForInterrupt(onFirst: () => void = () => {}): Interrupt {
  let seen = false;
  const onSignal = (): void => {
    if (seen) process.exit(130);
    seen = true;
    onFirst();
    console.error('Stopping after this step and saving; press Ctrl-C again to leave at once');
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    seen: () => seen,
    close: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
