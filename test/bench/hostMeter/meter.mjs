// Every 200 ms: a line of JSON with the time and the longest delay of the extension host's event loop since the last line, in
// milliseconds, to the file named by SMP_HOST_METER.
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setInterval } from 'node:timers';

export function activate() {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  setInterval(() => {
    appendFileSync(process.env.SMP_HOST_METER, `${JSON.stringify({ time: Date.now(), longest: delay.max / 1e6 })}\n`);
    delay.reset();
  }, 200);
}
